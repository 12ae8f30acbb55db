// A map of probabilities, cut at a threshold: the mask's pixels, its scores and their curves.
import { inflate, outlines, pixel, scores, toBytes } from "./pixels.js";
import { Layer, Stage, bitmap } from "./stage.js";
import { PICTURE_KEYS, button, choice, element, keys, mount, readout, set, slider, watch } from "./parts.js";

const CUTS = 101;
const GROUPS = [
  { name: "TP", words: "true positive", colour: pixel(0, 54, 209), other: pixel(0, 54, 209), css: "#0036d1" },
  { name: "FP", words: "false positive", colour: pixel(255, 242, 0), other: pixel(20, 20, 20), css: "repeating-linear-gradient(135deg, #fff200 0 4px, #141414 4px 7px)" },
  { name: "FN", words: "false negative", colour: pixel(234, 0, 114), other: pixel(255, 255, 255), css: "repeating-linear-gradient(45deg, #ea0072 0 4px, #ffffff 4px 7px)" },
];
const CURVES = [
  { name: "precision", dash: "", colour: "var(--ink)", line: 2 },
  { name: "recall", dash: "7 4", colour: "var(--ink)", line: 2 },
  { name: "iou", dash: "2 4", colour: "var(--ink)", line: 2.5 },
  { name: "fBeta", dash: "", colour: "var(--accent)", line: 3.5 },
];
const LEFT = 36, TOP = 8, WIDE = 300, HIGH = 200; // the chart's frame, of 350 × 244

/** True positives, false positives and negatives at each threshold 0, 0.01 … 1, in one pass. */
function sweepCounts(steps, truth) {
  const counts = [new Float64Array(CUTS + 1), new Float64Array(CUTS + 1)];
  for (let i = 0; i < steps.length; i++) if (truth[i] < 2) counts[truth[i]][steps[i]]++;
  const all = counts[1].reduce((a, b) => a + b);
  const cuts = [];
  let tp = 0, fp = 0;
  for (let at = CUTS - 1; at >= 0; at--) {
    tp += counts[1][at];
    fp += counts[0][at];
    cuts[at] = { tp, fp, fn: all - tp };
  }
  return cuts;
}

export default mount(async (root, model) => {
  const width = model.get("width"), height = model.get("height");
  const [photo, steps, truth] = await Promise.all([
    bitmap(model.get("image")), inflate(toBytes(model.get("steps"))), inflate(toBytes(model.get("truth"))),
  ]);
  const cuts = sweepCounts(steps, truth);
  const tint = new Layer(width, height), edge = new Layer(width, height), grey = new Layer(width, height);
  steps.forEach((step, i) => (grey.pixels[i] = pixel(...Array(3).fill(Math.round(2.55 * step)))));
  grey.update();
  const named = new Uint8Array(steps.length); // the mask
  const cut = () => Math.min(CUTS - 1, Math.max(0, Math.round(100 * model.get("threshold"))));
  const beta = () => model.get("beta");
  const format = (value) => (Number.isNaN(value) ? "–" : value.toFixed(3));
  const called = (name) => ({ iou: "IoU", fBeta: `F_${+beta().toFixed(2)}` })[name] ?? name[0].toUpperCase() + name.slice(1);

  // ---- the picture
  const period = Math.max(2, Math.round(width / 110)); // of the stripes
  const groupOf = (i, at) => (truth[i] > 1 ? -1 : steps[i] >= at ? 1 - truth[i] : truth[i] ? 2 : -1);
  const striped = Uint8Array.from(steps, (_, i) => {
    const x = i % width, y = (i / width) | 0;
    const at = (place) => (place % (2 * period) < period ? 0 : 1);
    return at(x + y) | (at(x - y + height * period * 2) << 1);
  });
  function recut() {
    const at = cut(), [tp, fp, fn] = GROUPS;
    for (let i = 0; i < steps.length; i++) {
      const is = truth[i], says = steps[i] >= at;
      if (is > 1 || (!is && !says)) tint.pixels[i] = 0;
      else if (is && says) tint.pixels[i] = tp.colour;
      else if (says) tint.pixels[i] = striped[i] & 1 ? fp.other : fp.colour;
      else tint.pixels[i] = striped[i] & 2 ? fn.other : fn.colour;
    }
    tint.update();
    if (model.get("view") === "groups") return;
    for (let i = 0; i < steps.length; i++) named[i] = steps[i] >= at ? 1 : 0;
    outlines(named, width, [1, 2], pixel(255, 242, 0), edge.pixels);
    edge.update();
  }
  function draw(context) {
    context.drawImage(photo, 0, 0, width, height);
    context.globalAlpha = model.get("opacity");
    context.drawImage(model.get("view") === "groups" ? tint.canvas : grey.canvas, 0, 0);
    context.globalAlpha = 1;
    if (model.get("view") !== "groups") context.drawImage(edge.canvas, 0, 0);
  }
  const line = readout("Point at the picture, or go there with the keyboard, to read a probability.");
  function point(x, y, byKey) {
    if (x < 0) return line.show("");
    const i = y * width + x, group = groupOf(i, cut());
    const what = truth[i] > 1 ? "ignored" : group < 0 ? "true negative" : `${GROUPS[group].words} (${GROUPS[group].name})`;
    const p = steps[i] === 100 ? "1.00" : `${(steps[i] / 100).toFixed(2)}…`;
    line.show(`row ${y}, column ${x} · probability ${p} · ${what}`, byKey);
  }
  const stage = new Stage(width, height, model.get("alt"), { draw, point });

  // ---- the scores
  const sample = ({ dash, colour, line: thick }) =>
    `<svg width="34" height="12" aria-hidden="true"><path d="M1 6H33" style="stroke:${colour}" stroke-width="${thick}" stroke-dasharray="${dash}"/></svg>`;
  const cells = CURVES.map((curve) => {
    const mark = element("span", { innerHTML: sample(curve) });
    const name = element("span"), value = element("td", { "data-score": curve.name });
    return { curve, name, value, row: element("tr", {}, element("th", { scope: "row" }, element("label", {}, mark, name)), value) };
  });
  const counts = GROUPS.map((group) => {
    const box = element("span", { className: "pw-swatch", innerHTML: "&nbsp;" });
    box.style.background = group.css;
    const value = element("td", { "data-count": group.name });
    const words = element("span", {}, `${group.name} ${group.words}`);
    return { value, row: element("tr", {}, element("th", { scope: "row" }, element("label", {}, box, words)), value) };
  });
  const chart = element("div", { className: "pw-chart", role: "img" });
  const note = element("p", { className: "pw-note" });
  const list = () => cuts.map(({ tp, fp, fn }) => scores(tp, fp, fn, beta()));
  let curves = list();
  const x = (value) => LEFT + WIDE * value, y = (value) => TOP + HIGH * (1 - value);
  const text = (a, b, words, anchor = "middle") =>
    `<text x="${a}" y="${b}" text-anchor="${anchor}" >${words}</text>`;
  function path(points) {
    let pen = "M", d = "";
    for (const [a, b] of points) {
      if (Number.isNaN(a + b)) pen = "M";
      else {
        d += `${pen}${x(a).toFixed(1)} ${y(b).toFixed(1)}`;
        pen = "L";
      }
    }
    return d;
  }
  function drawChart() {
    const pr = model.get("chart") === "pr", at = cut(), here = curves[at];
    const ticks = [0, 0.25, 0.5, 0.75, 1];
    let inside = ticks.map((v) =>
      `<path d="M${x(0)} ${y(v)}H${x(1)}M${x(v)} ${y(0)}V${y(1)}" style="stroke:var(--border)"/>` +
      text(x(0) - 6, y(v) + 4, v, "end") + text(x(v), y(0) + 16, v)).join("");
    const shown = (points, { dash, colour, line: thick }) =>
      `<path d="${path(points)}" style="stroke:${colour}" stroke-width="${thick}" stroke-dasharray="${dash}"/>`;
    const dot = (a, b, colour) => (Number.isNaN(a + b) ? "" : `<circle cx="${x(a)}" cy="${y(b)}" r="5" style="fill:${colour};stroke:var(--panel)" stroke-width="1.5"/>`);
    if (pr) {
      inside += shown(curves.map((c) => [c.recall, c.precision]), CURVES[3]) + dot(here.recall, here.precision, "var(--accent)");
    } else {
      inside += `<path d="M${x(at / 100)} ${y(0)}V${y(1)}" style="stroke:var(--muted)" stroke-width="1.5"/>`;
      for (const curve of CURVES) inside += shown(curves.map((c, i) => [i / 100, c[curve.name]]), curve);
      for (const curve of CURVES) inside += dot(at / 100, here[curve.name], curve.colour);
    }
    inside += text(x(0.5), TOP + HIGH + 32, pr ? "recall (upwards: precision)" : "threshold");
    chart.innerHTML = `<svg viewBox="0 0 350 244" fill="none">${inside}</svg>`;
    chart.ariaLabel = (pr ? "Precision over recall for all thresholds. " : "Precision, recall, IoU and F-beta over the threshold. ") +
      `At ${(at / 100).toFixed(2)}: ${CURVES.map(({ name }) => `${called(name)} ${format(here[name])}`).join(", ")}.`;
  }
  const best = () => curves.reduce((top, c, i) => (c.fBeta > (curves[top]?.fBeta ?? -1) ? i : top), -1);
  function tell() {
    const at = cut();
    for (const { curve, name, value } of cells) {
      name.textContent = called(curve.name);
      value.textContent = format(curves[at][curve.name]);
    }
    GROUPS.forEach(({ name }, i) => (counts[i].value.textContent = cuts[at][name.toLowerCase()].toLocaleString("en")));
    const top = best();
    note.textContent = top < 0 ? "There is no pixel of the class." : `Best ${called("fBeta")}: ${format(curves[top].fBeta)} at threshold ${(top / 100).toFixed(2)}`;
    drawChart();
  }
  const goTo = (event, save) => {
    if (model.get("chart") === "pr") return;
    const box = chart.firstChild.getBoundingClientRect();
    const at = (((event.clientX - box.left) / box.width) * 350 - LEFT) / WIDE;
    set(model, "threshold", Math.min(100, Math.max(0, Math.round(100 * at))) / 100, save);
  };
  chart.addEventListener("pointerdown", (event) => {
    chart.setPointerCapture(event.pointerId);
    goTo(event, false);
  });
  chart.addEventListener("pointermove", (event) => event.buttons && goTo(event, false));
  chart.addEventListener("pointerup", (event) => goTo(event, true));

  watch(model, ["threshold", "view"], recut);
  watch(model, ["beta"], () => (curves = list()));
  watch(model, ["threshold", "opacity", "view"], () => stage.redraw());
  watch(model, ["threshold", "beta", "chart"], tell);

  const two = (value) => value.toFixed(2);
  const top = button("Best", () => best() >= 0 && set(model, "threshold", best() / 100), { title: "Go to the threshold with the best F-beta" });
  root.append(
    element("div", { className: "pw-bar" },
      element("div", { className: "pw-buttons" }, slider(model, "threshold", "Threshold", { format: two }), top),
      slider(model, "beta", "β", { min: 0.25, max: 4, step: 0.25, format: two })),
    element("div", { className: "pw-main" },
      element("div", { className: "pw-picture" }, stage.box, line.node,
        element("div", { className: "pw-bar" },
          choice(model, "view", "Show", { groups: "Right and wrong", probability: "Probability" }),
          slider(model, "opacity", "Opacity"), stage.buttons,
          keys(`The sliders move with the arrow keys. ${PICTURE_KEYS}`))),
      element("div", { className: "pw-legend" },
        element("table", {}, element("tbody", {}, ...cells.map(({ row }) => row))), note,
        element("div", { className: "pw-bar" }, choice(model, "chart", "Chart", { scores: "Scores", pr: "Precision over recall" })),
        chart,
        element("table", {}, element("tbody", {}, ...counts.map(({ row }) => row))))),
  );
  return () => {
    stage.close();
    photo.close();
  };
});
