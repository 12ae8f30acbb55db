// Two circles of pixels: the truth A stands, the answer B moves and grows.
import { button, element, keys, mount, set, slider, watch } from "./parts.js";

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const PLACES = {
  Same: { x: 0, y: 0, radius: 40, true_radius: 40 },
  Touching: { x: 80, y: 0, radius: 40, true_radius: 40 },
  "Half of it": { x: 0, y: 0, radius: 28, true_radius: 40 },
  "Too large": { x: 0, y: 0, radius: 110, true_radius: 40 },
};
const SHARED = [
  ["TP", "in both: A∩B", "#0036d1"],
  ["FP", "in B alone", "repeating-linear-gradient(135deg, #fff200 0 4px, #141414 4px 7px)"],
  ["FN", "in A alone", "repeating-linear-gradient(45deg, #ea0072 0 4px, #ffffff 4px 7px)"],
  ["TN", "in neither", "transparent"],
];

export default mount((root, model) => {
  const get = (name) => Number(model.get(name));

  /** TP, FP, FN, TN in pixels, counted one by one. */
  function count() {
    const side = get("side"), a2 = get("true_radius") ** 2, b2 = get("radius") ** 2;
    let both = 0, inA = 0, inB = 0;
    for (let row = 0; row < side; row++) {
      const y = row - side / 2, dy = (y - get("y")) ** 2, dx0 = get("x");
      for (let column = 0; column < side; column++) {
        const x = column - side / 2;
        const a = x * x + y * y < a2, b = (x - dx0) ** 2 + dy < b2;
        inA += a;
        inB += b;
        both += a && b;
      }
    }
    return { TP: both, FP: inB - both, FN: inA - both, TN: side * side - inA - inB + both };
  }

  // ---- the picture: smooth circles, the numbers come from the pixels
  const id = `pw-circles-${Math.random().toString(36).slice(2)}`;
  const stripes = (name, turn, one, other) =>
    `<pattern id="${id}-${name}" width="8" height="8" patternUnits="userSpaceOnUse" patternTransform="rotate(${turn})"><rect width="8" height="8" fill="${one}"/><rect width="3" height="8" fill="${other}"/></pattern>`;
  const picture = element("div", { className: "pw-circles", tabIndex: 0, role: "application", ariaRoleDescription: "picture" });
  picture.innerHTML =
    `<svg viewBox="0 0 320 320">` +
    `<defs>${stripes("fp", 45, "#fff200", "#141414")}${stripes("fn", -45, "#ea0072", "#ffffff")}<clipPath id="${id}-a"><circle/></clipPath></defs>` +
    `<circle fill="url(#${id}-fn)"/><circle fill="url(#${id}-fp)"/><circle fill="#0036d1" clip-path="url(#${id}-a)"/>` +
    `<circle fill="none" stroke="#fff" stroke-width="4"/><circle fill="none" stroke="#fff" stroke-width="4"/>` +
    `<circle fill="none" stroke="#000" stroke-width="2"/><circle fill="none" stroke="#000" stroke-width="2" stroke-dasharray="7 4"/>` +
    `<text>A</text><text>B</text></svg>`;
  const svg = picture.firstChild;
  const round = [...svg.querySelectorAll("circle")]; // A, A, B, B within A, and the two outlines twice
  const letters = [...svg.querySelectorAll("text")];
  function draw() {
    const side = get("side"), scale = 320 / side;
    const a = [160, 160, get("true_radius") * scale];
    const b = [160 + get("x") * scale, 160 + get("y") * scale, get("radius") * scale];
    [a, a, b, b, a, b, a, b].forEach(([cx, cy, r], i) => {
      for (const [name, value] of Object.entries({ cx, cy, r })) round[i].setAttribute(name, value);
    });
    // the letters stand where the circles are furthest apart
    const away = Math.hypot(get("x"), get("y")) || 1, [ux, uy] = [get("x") / away, get("y") / away];
    const inside = (v) => Math.min(310, Math.max(18, v));
    [[a, -1], [b, 1]].forEach(([[cx, cy, r], sign], i) => {
      const [dx, dy] = get("x") || get("y") ? [ux, uy] : [0.7, 0.7];
      letters[i].setAttribute("x", inside(cx + sign * dx * (r + 12)));
      letters[i].setAttribute("y", inside(cy + sign * dy * (r + 12) + 6));
    });
  }

  const clip = (name, value) => {
    const [low, high] = { x: [-160, 160], y: [-160, 160], radius: [1, 160] }[name];
    return Math.min(high, Math.max(low, Math.round(value)));
  };
  const move = (dx, dy, save) => {
    set(model, "x", clip("x", get("x") + dx), false);
    set(model, "y", clip("y", get("y") + dy), save);
  };
  let grip = null;
  picture.addEventListener("pointerdown", (event) => {
    picture.setPointerCapture(event.pointerId);
    grip = [event.clientX, event.clientY, get("x"), get("y")];
  });
  picture.addEventListener("pointermove", (event) => {
    if (!grip) return;
    const unit = get("side") / svg.getBoundingClientRect().width;
    set(model, "x", clip("x", grip[2] + (event.clientX - grip[0]) * unit), false);
    set(model, "y", clip("y", grip[3] + (event.clientY - grip[1]) * unit), false);
  });
  for (const end of ["pointerup", "pointercancel"]) {
    picture.addEventListener(end, () => {
      grip = null;
      model.save_changes();
    });
  }
  picture.addEventListener("keydown", (event) => {
    const [dx, dy] = ARROWS[event.key] ?? [0, 0], by = event.shiftKey ? 10 : 1;
    const grow = { "+": 1, "=": 1, "-": -1 }[event.key];
    if (event.ctrlKey || event.metaKey || event.altKey || !(dx || dy || grow)) return;
    event.preventDefault();
    if (grow) set(model, "radius", clip("radius", get("radius") + grow));
    else move(by * dx, by * dy, true);
    spoken.textContent = brief;
  });

  // ---- the formulas
  const spoken = element("output", { className: "pw-spoken", ariaLive: "polite" });
  let brief = "";
  const rows = ["IoU", "Dice", "accuracy"].map((name) => {
    const [sets, counts, numbers] = [0, 1, 2].map(() => element("div"));
    const value = element("strong", { "data-score": name });
    const bar = element("i"); // its length is the score
    const node = element("div", { className: "pw-formula" }, element("b", {}, name), element("div", {}, sets, counts, numbers), value, bar);
    return { name, sets, counts, numbers, value, bar, node };
  });
  const cells = SHARED.map(([name, words, css]) => {
    const box = element("span", { className: "pw-swatch", innerHTML: "&nbsp;" });
    box.style.background = css;
    const value = element("td", { "data-count": name });
    const label = element("label", {}, box, element("span", {}, `${name}  ${words}`));
    return { name, value, row: element("tr", {}, element("th", { scope: "row" }, label), value) };
  });
  const note = element("p", { className: "pw-note" });

  function tell() {
    const c = count(), all = get("side") ** 2, number = (v) => v.toLocaleString("en");
    const sum = 2 * c.TP + c.FP + c.FN;
    const lines = {
      IoU: ["|A∩B| / |A∪B|", "TP / (TP + FP + FN)", c.TP, c.TP + c.FP + c.FN],
      Dice: ["2·|A∩B| / (|A| + |B|)", "2·TP / (2·TP + FP + FN)", 2 * c.TP, sum],
      accuracy: ["right pixels / all pixels", "(TP + TN) / (TP + FP + FN + TN)", c.TP + c.TN, all],
    };
    for (const { name, sets, counts, numbers, value, bar } of rows) {
      const [inSets, inCounts, above, below] = lines[name];
      sets.textContent = inSets;
      counts.textContent = `= ${inCounts}`;
      numbers.textContent = `= ${number(above)} / ${number(below)}`;
      value.textContent = (above / below).toFixed(3);
      bar.style.width = `${(100 * above) / below}%`;
    }
    for (const { name, value } of cells) value.textContent = number(c[name]);
    const j = c.TP / (c.TP + c.FP + c.FN);
    note.textContent = `2·IoU / (1 + IoU) = ${((2 * j) / (1 + j)).toFixed(3)}, the Dice.`;
    brief = rows.map(({ name, value }) => `${name} ${value.textContent}`).join(", ");
    picture.ariaLabel = `The truth A and the answer B, ${get("x")} pixels to the right of it and ${get("y")} below. ${brief}`;
  }
  watch(model, ["x", "y", "radius", "true_radius", "side"], () => {
    draw();
    tell();
  });

  const presets = Object.entries(PLACES).map(([name, values]) => button(name, () => {
    for (const [key, value] of Object.entries(values)) set(model, key, value, false);
    model.save_changes();
  }));
  const px = (low, high) => ({ min: low, max: high, step: 1, format: (v) => `${v} px` });
  const scores = element("div", { className: "pw-legend pw-formulas" }, ...rows.map(({ node }) => node), note,
    element("table", {}, element("tbody", {}, ...cells.map(({ row }) => row))));
  root.append(
    element("div", { className: "pw-bar" }, element("div", { className: "pw-buttons", role: "group", ariaLabel: "Places" }, ...presets)),
    element("div", { className: "pw-main" }, element("div", { className: "pw-picture" }, picture), scores),
    element("div", { className: "pw-bar" },
      slider(model, "x", "B to the right", px(-160, 160)), slider(model, "y", "B down", px(-160, 160)),
      slider(model, "radius", "Radius of B", px(1, 160)), slider(model, "true_radius", "Radius of A", px(1, 160)),
      slider(model, "side", "Picture", { min: 160, max: 1120, step: 16, format: (v) => `${v}×${v}` }),
      spoken,
      keys("Drag the picture, and B moves. In the picture, the arrow keys move B by one pixel, with Shift by 10; + and − change its radius.")),
  );
});
