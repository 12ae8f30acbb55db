// Photo and masks: opacity, swipe, error map, outlines, one class alone.
import { IGNORE, colourTable, colourize, confusion, histogram, inflate, ink, outlines, pixel, rgb, summary, toBytes } from "./pixels.js";
import { Layer, Stage, bitmap } from "./stage.js";
import { PICTURE_KEYS, button, checkbox, choice, download, element, keys, legend, mount, readout, slider, watch } from "./parts.js";

const WHITE = pixel(255, 255, 255);
const BLACK = pixel(0, 0, 0);
const VIEWS = { swipe: "Swipe", truth: "Truth", prediction: "Prediction", errors: "Errors" };

export default mount(async (root, model) => {
  const width = model.get("width"), height = model.get("height");
  const names = model.get("names"), colours = model.get("colours");
  const load = async (name) => (model.get(name) ? inflate(toBytes(model.get(name))) : null);
  const [photo, truth, prediction, certainty, missed] = await Promise.all([
    bitmap(model.get("image")), load("truth"), load("prediction"), load("certainty"), load("missed"),
  ]);
  const both = truth && prediction;
  const masks = { truth, prediction };
  const tints = {}, edges = {};
  for (const name in masks) {
    if (masks[name]) [tints[name], edges[name]] = [new Layer(width, height), new Layer(width, height)];
  }
  const errors = both && new Layer(width, height);
  const view = () => (both ? model.get("view") : truth ? "truth" : "prediction");

  // where the prediction is hidden: black and white
  const inks = colours.map((colour) => pixel(...rgb(ink(colour))));
  function drawErrors(table) {
    for (let i = 0; i < truth.length; i++) {
      const t = truth[i], p = prediction[i];
      const wrong = t !== p && t !== IGNORE && (table[t] || table[p]);
      const stripe = ((i % width) + ((i / width) | 0)) & 4;
      errors.pixels[i] = wrong ? (stripe ? inks[p] : table[p] || BLACK) : 0;
    }
    errors.update();
  }

  function recolour() {
    const table = colourTable(colours, model.get("hidden"));
    for (const name in tints) {
      colourize(masks[name], table, tints[name].pixels);
      tints[name].update();
      outlines(masks[name], width, table, WHITE, edges[name].pixels);
      edges[name].update();
    }
    if (both) drawErrors(table);
  }

  function drawPart(context, name, left, right) {
    if (right <= left) return;
    const part = [left, 0, right - left, height, left, 0, right - left, height];
    context.globalAlpha = model.get("opacity");
    context.drawImage(tints[name].canvas, ...part);
    context.globalAlpha = 0.8;
    if (model.get("outlines")) context.drawImage(edges[name].canvas, ...part);
  }

  const split = () => Math.round(model.get("swipe") * width);
  function draw(context) {
    const now = view();
    context.drawImage(photo, 0, 0, width, height);
    if (now === "errors") {
      context.globalAlpha = 0.2 + 0.7 * model.get("opacity"); // what is right is dimmed
      context.fillStyle = "#181818";
      context.fillRect(0, 0, width, height);
      context.globalAlpha = 0.35;
      if (model.get("outlines")) context.drawImage(edges.truth.canvas, 0, 0);
      context.globalAlpha = 1;
      context.drawImage(errors.canvas, 0, 0);
    } else if (now === "swipe") {
      drawPart(context, "truth", 0, split());
      drawPart(context, "prediction", split(), width);
      drawHandle(context);
    } else drawPart(context, now, 0, width);
  }

  function drawHandle(context) {
    const x = split(), y = height / 2, unit = stage.unit;
    context.globalAlpha = 1;
    for (const [colour, size] of [["#000", 4], ["#fff", 2]]) {
      context.fillStyle = colour;
      context.fillRect(x - (size / 2) * unit, 0, size * unit, height);
    }
    context.beginPath();
    context.arc(x, y, 13 * unit, 0, 7);
    context.lineWidth = 2 * unit;
    context.strokeStyle = "#000";
    context.fill();
    context.stroke();
    context.beginPath();
    for (const side of [-1, 1]) {
      context.moveTo(x + side * 3 * unit, y - 5 * unit);
      context.lineTo(x + side * 8 * unit, y);
      context.lineTo(x + side * 3 * unit, y + 5 * unit);
    }
    context.fillStyle = "#000";
    context.fill();
  }

  const called = (id) => (id === IGNORE ? "255 ignored" : `${id} ${names[id] ?? "unknown"}`);
  const near = model.get("step") > 1 ? "about " : "";
  const probability = (value) => near + (value / 100).toFixed(2);
  function tell(x, y) {
    const i = y * width + x, t = truth?.[i], p = prediction?.[i];
    const parts = [`row ${y}, column ${x}`];
    if (truth) parts.push(`${both ? "truth " : ""}${called(t)}`);
    if (prediction) {
      const verdict = !truth || t === IGNORE ? "" : t === p ? " ✓ right" : " ✗ wrong";
      parts.push(`prediction ${called(p)}${verdict}`);
    }
    if (certainty) {
      const other = missed && t !== p && t !== IGNORE ? `, of ${names[t]} ${probability(missed[i])}` : "";
      parts.push(`probability ${probability(certainty[i])}${other}`);
    }
    return parts.join(" · ");
  }

  const hint = "Point at the picture, or go there with the keyboard, to read the classes.";
  const line = readout(hint);
  function point(x, y, byKey) {
    if (x < 0) {
      line.show("");
      classes.point([]);
      return;
    }
    const i = y * width + x;
    line.show(tell(x, y), byKey);
    classes.point([truth?.[i], prediction?.[i]]);
  }

  function slide(x) {
    model.set("swipe", Math.min(1, Math.max(0, (x + 0.5) / width)));
  }
  const stage = new Stage(width, height, model.get("alt"), {
    draw,
    point,
    press(x) {
      return view() === "swipe" && Math.abs(x - split()) < 20 * stage.unit;
    },
    drag: slide,
    release: () => model.save_changes(),
  }, both ? "pan-y" : "pan-x pan-y");

  const left = element("span", { className: "pw-chip pw-left" });
  const right = element("span", { className: "pw-chip pw-right" }, "prediction");
  stage.box.append(left, right);
  const chips = () => {
    const now = view();
    left.textContent = now === "swipe" ? "truth" : now === "errors" ? "striped: wrong; in the colour of the prediction" : now;
    right.hidden = now !== "swipe";
  };

  const n = names.length, counts = histogram(truth ?? prediction);
  const found = both ? histogram(prediction) : counts;
  const total = both && summary(confusion(truth, prediction, n), n);
  const rows = names.map((_, id) => ({ id, pixels: counts[id], iou: both ? total.iou[id] : undefined }));
  const note = both ? `Mean IoU ${total.mean.toFixed(3)}, accuracy ${(100 * total.accuracy).toFixed(1)} %` : "";
  const classes = legend(model, rows.filter(({ id }) => counts[id] || found[id]), note);

  watch(model, ["hidden"], () => {
    recolour();
    stage.redraw();
  });
  watch(model, ["opacity", "swipe", "outlines", "view"], () => stage.redraw());
  watch(model, ["view"], chips);

  const save = async () => download(await stage.png(), "overlay.png");
  const bar = element("div", { className: "pw-bar" });
  if (both) bar.append(choice(model, "view", "Show", VIEWS));
  bar.append(checkbox(model, "outlines", "Outlines"), stage.buttons, button("PNG", save, { ariaLabel: "Save as PNG", title: "Save as PNG" }));
  const controls = element("div", { className: "pw-bar" }, slider(model, "opacity", "Opacity"));
  if (both) {
    const swipe = slider(model, "swipe", "Swipe");
    watch(model, ["view"], () => (swipe.hidden = view() !== "swipe"));
    controls.append(swipe);
  }
  controls.append(keys(`${PICTURE_KEYS} Drag to move what is enlarged.`));
  root.append(
    bar,
    element("div", { className: "pw-main" },
      element("div", { className: "pw-picture" }, stage.box, line.node, controls),
      classes.node),
  );
  return () => {
    stage.close();
    photo.close();
  };
});
