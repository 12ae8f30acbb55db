// The confusion matrix as buttons; the pixels of the chosen cell are lit in the picture.
import { IGNORE, confusion, inflate, pixel, toBytes } from "./pixels.js";
import { Layer, Stage, bitmap } from "./stage.js";
import { PICTURE_KEYS, choice, element, keys, mount, readout, set, swatch, watch } from "./parts.js";

const FEW = 60; // so few pixels get a ring around each
const STEP = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

export default mount(async (root, model) => {
  const width = model.get("width"), height = model.get("height");
  const names = model.get("names"), colours = model.get("colours"), n = names.length;
  const [photo, truth, prediction] = await Promise.all([
    bitmap(model.get("image")), inflate(toBytes(model.get("truth"))), inflate(toBytes(model.get("prediction"))),
  ]);
  const matrix = confusion(truth, prediction, n);
  const rows = new Float64Array(n), columns = new Float64Array(n);
  matrix.forEach((count, i) => {
    rows[(i / n) | 0] += count;
    columns[i % n] += count;
  });
  const ids = names.map((_, id) => id).filter((id) => rows[id] || columns[id]);
  const count = (t, p) => matrix[t * n + p];
  const share = (part, whole) => (whole ? `${((100 * part) / whole).toFixed(1)} %` : "–");
  const words = (t, p) =>
    `true ${t} ${names[t]}, called ${p} ${names[p]}: ${count(t, p).toLocaleString("en")} pixels` +
    `, ${share(count(t, p), rows[t])} of the true, ${share(count(t, p), columns[p])} of the called` +
    (t === p ? " ✓ right" : "");

  // ---- the picture
  const shade = new Layer(width, height);
  let rings = [];
  function light() {
    const [t, p] = model.get("cell");
    const dark = pixel(0, 0, 0, 166), lit = pixel(255, 242, 0);
    rings = [];
    for (let i = 0; i < truth.length; i++) {
      const inside = truth[i] === t && prediction[i] === p;
      shade.pixels[i] = inside ? lit : dark;
      if (inside && rings.length <= FEW) rings.push(i);
    }
    if (rings.length > FEW) rings = [];
    shade.update();
    stage.redraw();
  }
  function draw(context) {
    context.drawImage(photo, 0, 0, width, height);
    context.drawImage(shade.canvas, 0, 0);
    for (const [colour, line] of [["#000", 4], ["#fff", 2]]) {
      context.strokeStyle = colour;
      context.lineWidth = line * stage.unit;
      for (const i of rings) {
        context.beginPath();
        context.arc((i % width) + 0.5, ((i / width) | 0) + 0.5, Math.max(1, 9 * stage.unit), 0, 7);
        context.stroke();
      }
    }
  }
  const line = readout("Choose a cell of the matrix, or a pixel of the picture.");
  const at = (x, y) => [truth[y * width + x], prediction[y * width + x]];
  function point(x, y, byKey) {
    for (const cell of cells) cell.button.classList.remove("pw-here");
    if (x < 0) return line.show("");
    const [t, p] = at(x, y);
    const what = t === IGNORE ? "255 ignored" : t === p ? `${t} ${names[t]} ✓ right` : `true ${t} ${names[t]}, called ${p} ${names[p]} ✗ wrong`;
    line.show(`row ${y}, column ${x} · ${what}`, byKey);
    find(t, p)?.button.classList.add("pw-here");
  }
  function pick(x, y) {
    const [t, p] = at(x, y);
    if (t !== IGNORE) set(model, "cell", [t, p]);
  }
  const stage = new Stage(width, height, model.get("alt"), {
    draw,
    point,
    press(x, y) {
      pick(x, y);
      return false;
    },
    key(event) {
      if (event.key !== "Enter" || !stage.cursor) return false;
      pick(...stage.cursor);
      line.show(words(...model.get("cell")), true);
      return true;
    },
  });

  // ---- the matrix
  const cells = [];
  const find = (t, p) => cells.find((cell) => cell.t === t && cell.p === p);
  const body = ids.map((t) => {
    const head = element("th", { scope: "row" }, element("label", {}, swatch(t, colours[t]), element("span", {}, names[t])));
    return element("tr", {}, head, ...ids.map((p) => {
      const button = element("button", { type: "button", tabIndex: -1, ariaLabel: words(t, p), "data-cell": `${t}-${p}` });
      button.addEventListener("click", () => set(model, "cell", [t, p]));
      button.addEventListener("focus", () => line.show(words(t, p)));
      button.addEventListener("pointerenter", () => line.show(words(t, p)));
      cells.push({ t, p, button });
      return element("td", {}, button);
    }));
  });
  const corner = element("td", {}, "true ↓   called →");
  const head = ids.map((p) => element("th", { scope: "col", title: names[p], ariaLabel: names[p] }, swatch(p, colours[p])));
  const table = element("table", { className: "pw-matrix" },
    element("thead", {}, element("tr", {}, corner, ...head)), element("tbody", {}, ...body));
  table.addEventListener("keydown", (event) => {
    const [down, right] = STEP[event.key] ?? [0, 0];
    const now = cells.findIndex(({ button }) => button === document.activeElement);
    if (now < 0 || !(down || right) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const side = ids.length, row = Math.floor(now / side) + down, column = (now % side) + right;
    if (row < 0 || column < 0 || row >= side || column >= side) return;
    enter(cells[row * side + column]);
    cells[row * side + column].button.focus();
  });
  // Tab reaches one cell of the matrix, the arrows go on from there
  function enter(cell) {
    for (const { button } of cells) button.tabIndex = -1;
    (cell ?? cells[0]).button.tabIndex = 0;
  }
  const short = (value) =>
    value >= 99_950 ? `${Math.round(value / 1000)}k` : value >= 1000 ? `${(value / 1000).toFixed(1)}k` : String(value);
  watch(model, ["normalise"], () => {
    const by = model.get("normalise");
    const most = matrix.reduce((a, b) => Math.max(a, b), 1);
    for (const { t, p, button } of cells) {
      const c = count(t, p), whole = { rows: rows[t], columns: columns[p] }[by];
      const percent = (100 * c) / whole;
      button.textContent = !c ? "·" : by === "counts" ? short(c) : percent < 0.5 ? "<1" : percent.toFixed(0);
      // the number says it; the shade helps to find it
      const depth = by === "counts" ? Math.log1p(c) / Math.log1p(most) : Math.sqrt((percent || 0) / 100);
      button.style.background = `color-mix(in srgb, var(--accent) ${Math.round(45 * depth)}%, var(--panel))`;
    }
  });
  const chosen = element("output", { className: "pw-readout pw-score", ariaLive: "polite" });
  watch(model, ["cell"], () => {
    const [t, p] = model.get("cell");
    for (const cell of cells) cell.button.ariaPressed = String(cell.t === t && cell.p === p);
    enter(find(t, p));
    chosen.textContent = `Lit: true ${t} ${names[t]}, called ${p} ${names[p]}, ${count(t, p).toLocaleString("en")} pixels`;
    light();
  });

  const by = { counts: "Counts", rows: "% of the true", columns: "% of the called" };
  root.append(
    element("div", { className: "pw-main pw-lit" },
      element("div", { className: "pw-picture" }, stage.box, chosen, line.node,
        element("div", { className: "pw-bar" }, stage.buttons)),
      element("div", { className: "pw-matrix-box" },
        element("div", { className: "pw-bar" }, choice(model, "normalise", "Numbers", by)),
        table)),
    keys(`In the matrix, the arrow keys go from cell to cell; Enter lights one up. ${PICTURE_KEYS} Enter lights up the cell of the pixel.`),
  );
  return () => {
    stage.close();
    photo.close();
  };
});
