// Paint a mask on a photo; IoU and Dice against the truth follow each stroke.
import { IGNORE, colourTable, colourize, confusion, deflate, histogram, inflate, outlines, pixel, scores, stroke, summary, toBytes } from "./pixels.js";
import { Layer, Stage, bitmap } from "./stage.js";
import { PICTURE_KEYS, button, checkbox, choice, element, keys, mount, readout, set, slider, swatch, watch } from "./parts.js";

const PAINT_KEYS =
  "Space paints at the cursor; hold it, or press Enter to put the brush down, and the arrows draw. " +
  "E changes between brush and eraser, [ and ] the size; Z takes back, Shift Z brings again. ";
const MOST_STROKES = 100;

export default mount(async (root, model) => {
  const width = model.get("width"), height = model.get("height"), background = model.get("background");
  const names = model.get("names"), colours = model.get("colours"), n = names.length;
  const [photo, truth, mask] = await Promise.all([
    bitmap(model.get("image")), inflate(toBytes(model.get("truth"))), inflate(toBytes(model.get("painted"))),
  ]);
  const table = colourTable(colours, [background]);
  const tint = new Layer(width, height), edge = new Layer(width, height), target = new Layer(width, height);
  let matrix = confusion(truth, mask, n); // kept up to date pixel by pixel
  let hand = null; // where the brush is, while it is down or the mouse is over the picture
  let pen = null; // the stroke that is being painted: {id, at, old: Map of index → id before}
  const done = [], undone = [];

  function put(i, id) {
    const t = truth[i];
    if (t !== IGNORE) {
      matrix[t * n + mask[i]]--;
      matrix[t * n + id]++;
    }
    mask[i] = id;
    tint.pixels[i] = table[id];
  }

  function show() {
    tint.update();
    outlines(mask, width, table, pixel(255, 255, 255), edge.pixels);
    edge.update();
    tell();
    stage.redraw();
  }

  // ---- strokes
  const erasing = () => model.get("tool") === "erase";
  function begin(x, y) {
    finish();
    pen = { id: erasing() ? background : Number(model.get("paint")), at: [x, y], old: new Map() };
    extend(x, y);
  }
  function extend(x, y) {
    const { id, at, old } = pen;
    stroke(...at, x, y, model.get("size") / 2, width, height, (i) => {
      if (mask[i] === id) return;
      old.set(i, mask[i]);
      put(i, id);
    });
    pen.at = [x, y];
    show();
  }
  function finish() {
    if (!pen) return;
    if (pen.old.size) {
      done.push(pen);
      if (done.length > MOST_STROKES) done.shift();
      undone.length = 0;
    }
    pen = null;
    send();
  }
  function undo() {
    finish();
    const last = done.pop();
    if (!last) return;
    last.old.forEach((id, i) => put(i, id));
    undone.push(last);
    show();
    send();
  }
  function redo() {
    const next = undone.pop();
    if (!next) return;
    next.old.forEach((_, i) => put(i, next.id));
    done.push(next);
    show();
    send();
  }
  function clear() {
    finish();
    const old = new Map();
    mask.forEach((id, i) => {
      if (id === background) return;
      old.set(i, id);
      put(i, background);
    });
    pen = { id: background, at: null, old };
    finish();
    show();
  }

  // ---- to Python and back
  let turn = 0;
  async function send() {
    undoButton.disabled = !done.length;
    redoButton.disabled = !undone.length;
    const mine = ++turn;
    const bytes = await deflate(mask);
    if (mine === turn) set(model, "painted", bytes); // else painted on meanwhile
  }
  // Python counts up `given` when it sets the mask; a change of `painted` alone is our own, come back
  model.on("change:given", async () => {
    turn++;
    mask.set(await inflate(toBytes(model.get("painted"))));
    matrix = confusion(truth, mask, n);
    colourize(mask, table, tint.pixels);
    done.length = undone.length = 0;
    undoButton.disabled = redoButton.disabled = true;
    show();
  });

  // ---- the picture
  function draw(context) {
    context.drawImage(photo, 0, 0, width, height);
    context.globalAlpha = model.get("opacity");
    context.drawImage(tint.canvas, 0, 0);
    context.globalAlpha = 0.8;
    context.drawImage(edge.canvas, 0, 0);
    context.globalAlpha = 1;
    if (model.get("show_truth")) context.drawImage(target.canvas, 0, 0);
    if (!hand) return;
    for (const [colour, line] of [["#000", 3], ["#fff", 1.5]]) {
      context.beginPath();
      context.arc(hand[0] + 0.5, hand[1] + 0.5, model.get("size") / 2, 0, 7);
      context.lineWidth = line * stage.unit;
      context.strokeStyle = colour;
      context.stroke();
    }
  }

  function point(x, y, byKey) {
    hand = x < 0 ? null : [x, y];
    stage.redraw();
    if (byKey && pen) extend(x, y);
    else if (!pen) place(x, y, byKey);
  }
  const step = (by) => set(model, "size", Math.min(120, Math.max(1, Math.round(model.get("size") * by + Math.sign(by - 1)))));
  function key(event) {
    const pressed = event.key.toLowerCase();
    if ((event.ctrlKey || event.metaKey) && pressed !== "z" && pressed !== "y") return false;
    if (pressed === " ") {
      if (!pen) begin(...here());
    } else if (pressed === "enter") {
      if (pen) finish();
      else begin(...here());
      tell(true);
    } else if (pressed === "z") {
      if (event.shiftKey) redo();
      else undo();
      tell(true);
    } else if (pressed === "y") redo();
    else if (pressed === "e") set(model, "tool", erasing() ? "brush" : "erase");
    else if (pressed === "[") step(1 / 1.3);
    else if (pressed === "]") step(1.3);
    else return false;
    return true;
  }
  function here() {
    if (!stage.cursor) stage.moveTo(width >> 1, height >> 1);
    return stage.cursor;
  }
  const stage = new Stage(width, height, model.get("alt"), {
    draw,
    point,
    key,
    press(x, y, event) {
      if (event.shiftKey) return false;
      hand = [x, y];
      begin(x, y);
      return true;
    },
    drag(x, y) {
      hand = [x, y];
      extend(x, y);
    },
    release: finish,
  }, "none");
  stage.canvas.addEventListener("keyup", (event) => {
    if (event.key !== " ") return;
    finish();
    tell(true);
  });
  stage.canvas.addEventListener("blur", finish);

  // ---- classes and scores
  const counts = histogram(truth);
  const name = `pw-paint-${Math.random().toString(36).slice(2)}`;
  const rows = names.map((_, id) => id).filter((id) => counts[id] && id !== background).map((id) => {
    const radio = element("input", { type: "radio", name, value: String(id), "data-paint": id });
    radio.addEventListener("change", () => set(model, "paint", id));
    const iou = element("td"), dice = element("td");
    const label = element("label", {}, radio, swatch(id, colours[id]), element("span", {}, names[id]));
    const line = element("tr", {}, element("th", { scope: "row" }, label), iou, dice);
    return { id, radio, iou, dice, line };
  });
  const head = ["Paint", "IoU", "Dice"].map((text) => element("th", { scope: "col" }, text));
  const note = element("p", { className: "pw-note" });
  const list = element("div", { className: "pw-legend" },
    element("table", {}, element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...rows.map((row) => row.line))),
    note);
  const score = readout("");
  score.node.className += " pw-score";
  const line = readout("Paint with the mouse, a finger or the keyboard.");

  function tell(spoken = false) {
    const { mean } = summary(matrix, n);
    const number = (value) => (Number.isNaN(value) ? "–" : value.toFixed(3));
    for (const row of rows) {
      let tp = matrix[row.id * n + row.id], fp = -tp, fn = -tp;
      for (let k = 0; k < n; k++) {
        fp += matrix[k * n + row.id];
        fn += matrix[row.id * n + k];
      }
      const { iou, dice } = scores(tp, fp, fn);
      row.iou.textContent = number(iou);
      row.dice.textContent = number(dice);
      if (row.id === Number(model.get("paint"))) {
        score.show(`${names[row.id]}: IoU ${number(iou)} · Dice ${number(dice)}`, spoken);
      }
    }
    note.textContent = `Mean IoU of all classes ${number(mean)}`;
  }
  function place(x, y, byKey) {
    const id = mask[y * width + x];
    const what = id === background ? "not painted" : `painted ${id} ${names[id]}`;
    line.show(x < 0 ? "" : `row ${y}, column ${x} · ${what}`, byKey);
  }

  // ---- controls
  const undoButton = button("Undo", undo, { disabled: true });
  const redoButton = button("Redo", redo, { disabled: true });
  watch(model, ["paint"], () => {
    const id = Number(model.get("paint"));
    for (const row of rows) {
      row.radio.checked = row.id === id;
      row.line.classList.toggle("pw-here", row.id === id);
    }
    const only = new Uint32Array(256);
    only[id] = 1;
    outlines(truth, width, only, 1, target.pixels);
    // black and white in turns can be seen on every ground
    target.pixels.forEach((on, i) => {
      if (on) target.pixels[i] = ((i % width) + ((i / width) | 0)) & 4 ? pixel(0, 0, 0) : pixel(255, 255, 255);
    });
    target.update();
    tell();
    stage.redraw();
  });
  watch(model, ["opacity", "show_truth", "size"], () => stage.redraw());
  colourize(mask, table, tint.pixels);
  show();

  root.append(
    element("div", { className: "pw-bar" },
      choice(model, "tool", "Tool", { brush: "Brush", erase: "Eraser" }),
      slider(model, "size", "Size", { min: 1, max: 120, step: 1, format: (v) => `${v} px` }),
      element("div", { className: "pw-buttons" }, undoButton, redoButton, button("Clear", clear)),
      stage.buttons),
    element("div", { className: "pw-main" },
      element("div", { className: "pw-picture" }, stage.box, score.node, line.node,
        element("div", { className: "pw-bar" },
          slider(model, "opacity", "Opacity"), checkbox(model, "show_truth", "Show the truth's outline"),
          keys(`${PAINT_KEYS}${PICTURE_KEYS} Two fingers, or the mouse with Shift, move what is enlarged.`))),
      list));
  if (model.alone) {
    root.append(element("p", { className: "pw-note" },
      "What you paint stays in this page: there is no kernel behind it, and Python cannot read the mask."));
  }
  return () => {
    stage.close();
    photo.close();
  };
});
