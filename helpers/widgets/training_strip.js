// The prediction of one image after each epoch: large, as a strip, and as curves.
import { IGNORE, colourTable, colourize, inflate, toBytes } from "./pixels.js";
import { Layer, Stage, bitmap } from "./stage.js";
import { PICTURE_KEYS, button, checkbox, element, keys, mount, player, readout, set, slider, svg, watch } from "./parts.js";

export default mount(async (root, model) => {
  const width = model.get("width"), height = model.get("height");
  const names = model.get("names");
  const [photo, truth] = await Promise.all([
    bitmap(model.get("image")), model.get("truth") ? inflate(toBytes(model.get("truth"))) : null,
  ]);
  const colours = colourTable(model.get("colours"), [0]);
  const edges = truth && borders(truth);

  /** The lines between pixels of different classes. */
  function borders(ids) {
    const path = new Path2D();
    for (let i = 0; i < ids.length; i++) {
      const x = i % width, y = (i - x) / width;
      if (x + 1 < width && ids[i] !== ids[i + 1]) path.rect(x + 1, y, 0, 1);
      if (y + 1 < height && ids[i] !== ids[i + width]) path.rect(x, y + 1, 1, 0);
    }
    return path;
  }

  const tinted = (mask) => {
    const layer = new Layer(width, height);
    colourize(mask, colours, layer.pixels);
    layer.update();
    return layer;
  };

  const rows = []; // {epoch, loss, mean_iou, mask, layer, node}, as far as they are unpacked
  const last = () => rows.length - 1;
  const at = () => (model.get("shown") < 0 ? last() : Math.min(last(), model.get("shown")));
  /** Shows one; at the newest, the picture goes on with the training. */
  const go = (n, byKey = false) => {
    set(model, "shown", n >= last() ? -1 : Math.max(0, n));
    line.show(tell(), byKey);
  };

  function draw(context) {
    context.drawImage(photo, 0, 0, width, height);
    context.globalAlpha = model.get("opacity");
    if (rows.length) context.drawImage(rows[at()].layer.canvas, 0, 0);
    if (!edges || !model.get("outlines")) return;
    context.globalAlpha = 1;
    for (const [colour, line] of [["#000", 3.5], ["#fff", 1.5]]) {
      context.strokeStyle = colour;
      context.lineWidth = line * stage.unit;
      context.stroke(edges);
    }
  }
  const stage = new Stage(width, height, model.get("alt"), { draw, point });

  // words
  const scores = (row) => [
    ...(row.loss === null ? [] : [`loss ${row.loss.toFixed(3)}`]),
    ...(row.mean_iou === null ? [] : [`mean IoU ${row.mean_iou.toFixed(3)}`]),
  ];
  const tell = () => (rows.length ? [`Epoch ${rows[at()].epoch}`, ...scores(rows[at()])].join(" · ") : "The first epoch is not over yet.");
  const called = (id) => (id === IGNORE ? "255 ignored" : `${id} ${names[id] ?? "unknown"}`);
  function point(x, y, byKey) {
    if (x < 0 || !rows.length) return line.show(tell());
    const i = y * width + x, now = rows[at()].mask[i], t = truth?.[i];
    let since = at();
    while (since > 0 && rows[since - 1].mask[i] === now) since--;
    const parts = [`row ${y}, column ${x}`, `epoch ${rows[at()].epoch}: ${called(now)}`, `since epoch ${rows[since].epoch}`];
    if (truth) {
      parts[1] += t === IGNORE ? "" : t === now ? " ✓ right" : " ✗ wrong";
      parts.push(`truth ${called(t)}`);
    }
    line.show(parts.join(" · "), byKey);
  }

  // the strip
  const strip = element("div", { className: "pw-strip", role: "group", ariaLabel: "Epochs" });
  function thumbnail(layer, words) {
    const scale = Math.min(1, 168 / width);
    const canvas = document.createElement("canvas"); // no keys: the button around it has them
    Object.assign(canvas, { width: Math.round(width * scale), height: Math.round(height * scale) });
    const context = canvas.getContext("2d");
    context.drawImage(photo, 0, 0, canvas.width, canvas.height);
    context.globalAlpha = 0.85;
    context.imageSmoothingEnabled = false;
    context.drawImage(layer.canvas, 0, 0, canvas.width, canvas.height);
    return [canvas, ...words.map((text) => element("span", {}, text))];
  }
  function append(row) {
    const n = rows.length;
    const words = [`epoch ${row.epoch}`, row.mean_iou === null ? "" : `IoU ${row.mean_iou.toFixed(3)}`];
    row.node = button("", () => go(n, true), {
      className: "pw-thumb", "data-epoch": row.epoch, ariaLabel: [`epoch ${row.epoch}`, ...scores(row)].join(", "),
    });
    row.node.append(...thumbnail(row.layer, words));
    rows.push(row);
    strip.insertBefore(row.node, end);
  }
  strip.addEventListener("keydown", (event) => {
    const to = { ArrowLeft: at() - 1, ArrowRight: at() + 1, Home: 0, End: last() }[event.key];
    if (to === undefined || to < 0 || to > last()) return;
    event.preventDefault();
    go(to, true);
    rows[at()].node.focus({ preventScroll: true });
  });
  const end = element("div", { className: "pw-thumb pw-truth", hidden: !truth });
  if (truth) end.append(...thumbnail(tinted(truth), ["truth"]));
  strip.append(end);

  // the curves
  const [WIDE, HIGH] = [300, 110];
  function curve(name, title) {
    const known = rows.map((row, n) => [n, row[name]]).filter(([, value]) => value !== null);
    if (!known.length) return "";
    const values = known.map(([, value]) => value), low = Math.min(...values), high = Math.max(...values);
    const x = (n) => 8 + (n * (WIDE - 16)) / Math.max(1, last());
    const y = (value) => HIGH - 10 - ((value - low) * (HIGH - 30)) / (high - low || 1);
    const here = known.find(([n]) => n === at());
    const drawing = svg("svg", { viewBox: `0 0 ${WIDE} ${HIGH}`, role: "img",
      "aria-label": `${title} by epoch: ${known.map(([n, value]) => `${rows[n].epoch}: ${value.toFixed(3)}`).join(", ")}` },
      svg("line", { x1: x(at()), y1: 4, x2: x(at()), y2: HIGH - 4, class: "pw-at" }),
      svg("polyline", { points: known.map(([n, value]) => `${x(n)},${y(value)}`).join(" "), class: "pw-curve" }));
    if (here) drawing.append(svg("circle", { cx: x(at()), cy: y(here[1]), r: 5, class: "pw-dot" }));
    const range = high > low ? `${low.toFixed(3)} to ${high.toFixed(3)}` : "";
    return element("figure", { className: "pw-grid", "data-curve": name },
      element("figcaption", { className: "pw-note" }, element("b", {}, `${title} ${here ? here[1].toFixed(3) : "–"}`), range && ` · ${range}`), drawing);
  }
  const curves = element("div", { className: "pw-side" });

  const line = readout(" ");
  const slide = element("input", { type: "range", min: 0, max: 0, step: 1, "data-name": "shown" });
  slide.addEventListener("input", () => go(Number(slide.value)));
  const output = element("output");
  const play = player(() => {
    if (at() >= last()) return false;
    go(at() + 1);
    return true;
  });
  play.node.addEventListener("click", () => { // at the end it begins anew
    if (play.node.textContent === "Play" && last() > 0 && at() >= last()) (go(0), play.node.click());
  });

  function show() {
    slide.max = Math.max(0, last());
    slide.value = at();
    output.textContent = rows.length ? `epoch ${rows[at()].epoch} of ${rows[last()].epoch}` : "";
    slide.ariaValueText = output.textContent;
    curves.replaceChildren(curve("loss", "Loss"), curve("mean_iou", "Mean IoU"));
    rows.forEach((row, n) => {
      row.node.ariaPressed = String(n === at());
      row.node.tabIndex = n === at() ? 0 : -1;
    });
    if (rows.length) { // bring it into view, and leave the page where it is
      const { offsetLeft, offsetWidth } = rows[at()].node;
      const [from, to] = [offsetLeft - 8, offsetLeft + offsetWidth + 8 - strip.clientWidth];
      if (strip.scrollLeft > from) strip.scrollLeft = from;
      else if (strip.scrollLeft < to) strip.scrollLeft = to;
    }
    strip.dataset.count = rows.length; // tests wait for it
    line.show(tell());
    stage.redraw();
  }

  // epochs come one by one; each is unpacked once
  let queue = Promise.resolve();
  const receive = () => (queue = queue.then(async () => {
    for (const row of model.get("epochs").slice(rows.length)) {
      const mask = await inflate(toBytes(row.mask));
      append({ ...row, mask, layer: tinted(mask) });
    }
    show();
  }));

  const bar = element("div", { className: "pw-bar" }, play.node,
    element("label", { className: "pw-slider" }, element("span", {}, "Epoch"), slide, output), stage.buttons);
  const controls = element("div", { className: "pw-bar" }, slider(model, "opacity", "Opacity"));
  if (truth) controls.append(checkbox(model, "outlines", "True outlines"));
  root.append(bar,
    element("div", { className: "pw-main" }, element("div", { className: "pw-picture" }, stage.box, line.node, controls), curves),
    strip,
    keys(PICTURE_KEYS + " In the strip they choose the epoch, Home and End the first and the last."));
  model.on("change:epochs", receive);
  await receive();
  watch(model, ["shown"], show);
  watch(model, ["opacity", "outlines"], () => stage.redraw());
  requestAnimationFrame(show); // the strip has a width only in the page
  return () => {
    model.off("change:epochs", receive);
    play.stop();
    stage.close();
    photo.close();
  };
});
