// A mask under a smooth resize and under JPEG: the ids that appear, and where.
import { IGNORE, colourTable, inflate, outlines, pixel, toBytes } from "./pixels.js";
import { Layer, Stage } from "./stage.js";
import { PICTURE_KEYS, button, checkbox, choice, element, keys, mount, readout, set, slider, swatch, watch } from "./parts.js";

const UNKNOWN = -2, ALL = -1;
const FILTERS = { nearest: "nearest", box: "box", bilinear: "bilinear", bicubic: "bicubic", lanczos: "lanczos" };

// JPEG of one channel (ITU-T T.81): cosines in whole numbers of 1/8192, as libjpeg's accurate
// integer method has them, so that each pixel comes out as Pillow reads it back.
const COSINES = [
  [8192, 8192, 8192, 8192], [11363, 9633, 6437, 2260], [10703, 4433, -4433, -10703], [9633, -2259, -11362, -6436],
  [8192, -8192, -8192, 8192], [6437, -11362, 2261, 9633], [4433, -10704, 10704, -4433], [2260, -6436, 9633, -11363],
].map((half, k) => [...half, ...half.map((v) => (k % 2 ? -v : v)).reverse()]);
const QUANTA = [ // table K.1, for quality 50
  16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56,
  14, 17, 22, 29, 51, 87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92,
  49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
];

/** The ids as they come back from a JPEG file of the given quality, 1 to 100. */
function throughJpeg(ids, width, height, quality) {
  const scale = quality < 50 ? Math.floor(5000 / quality) : 200 - 2 * quality;
  const steps = QUANTA.map((step) => Math.min(255, Math.max(1, Math.floor((step * scale + 50) / 100))));
  const shift = (value, bits) => Math.floor(value / 2 ** bits + 0.5);
  const out = new Uint8Array(ids.length), from = new Float64Array(64), to = new Float64Array(64);
  // one dimension of a block: to[a][k] = sum of matrix[k][j] · from[j][a]; twice gives both
  const pass = (source, target, back, bits) => {
    for (let k = 0; k < 8; k++) {
      for (let a = 0; a < 8; a++) {
        let sum = 0;
        for (let j = 0; j < 8; j++) sum += (back ? COSINES[j][k] : COSINES[k][j]) * source[8 * j + a];
        target[8 * a + k] = shift(sum, bits);
      }
    }
  };
  for (let top = 0; top < height; top += 8) {
    for (let left = 0; left < width; left += 8) {
      for (let i = 0; i < 64; i++) { // turned: rows come first; beyond the border it repeats
        const y = Math.min(height - 1, top + (i & 7)), x = Math.min(width - 1, left + (i >> 3));
        from[i] = ids[y * width + x] - 128;
      }
      pass(from, to, false, 11);
      pass(to, from, false, 15);
      for (let i = 0; i < 64; i++) {
        const turned = 8 * (i & 7) + (i >> 3), step = steps[turned];
        const size = Math.floor((Math.abs(from[i]) + 4 * step) / (8 * step));
        to[turned] = Math.sign(from[i]) * size * step;
      }
      pass(to, from, true, 11);
      pass(from, to, true, 18);
      for (let y = top; y < Math.min(height, top + 8); y++) {
        for (let x = left; x < Math.min(width, left + 8); x++) {
          out[y * width + x] = Math.min(255, Math.max(0, to[8 * (y - top) + (x - left)] + 128));
        }
      }
    }
  }
  return out;
}

export default mount(async (root, model) => {
  const width = model.get("width"), height = model.get("height");
  const names = model.get("names"), colours = model.get("colours"), n = names.length;
  const load = async (name) => [name, await inflate(toBytes(model.get(name)))];
  const resized = Object.fromEntries(await Promise.all(Object.keys(FILTERS).map(load)));
  const right = resized.nearest;
  const layer = new Layer(width, height), edge = new Layer(width, height);
  const table = colourTable(colours, []);
  table[IGNORE] = pixel(128, 128, 128);
  const known = (id) => id < n || id === IGNORE;
  const called = (id) => (id < n ? `${id} ${names[id]}` : id === IGNORE ? "255 ignored" : `${id} no such class`);
  let damaged = right;

  function damage() {
    damaged = resized[model.get("resize")];
    if (model.get("jpeg")) damaged = throughJpeg(damaged, width, height, model.get("quality"));
    paint();
    tell();
  }

  // ---- the picture
  const belongs = (id, wanted) => wanted === ALL || id === wanted || (wanted === UNKNOWN && !known(id));
  function paint() {
    const view = model.get("view"), wanted = model.get("shown");
    const ids = view === "before" ? right : damaged;
    for (let i = 0; i < ids.length; i++) {
      const id = ids[i], checks = ((i % width) + ((i / width) | 0)) & 1;
      // an id of no class has no colour: black and white in turns
      const colour = known(id) ? table[id] : checks ? pixel(255, 255, 255) : pixel(0, 0, 0);
      if (!belongs(id, wanted)) layer.pixels[i] = pixel(40, 40, 40);
      else if (view === "changed" && id === right[i]) layer.pixels[i] = pixel(70, 70, 70);
      else layer.pixels[i] = view === "changed" && wanted === ALL ? pixel(255, 255, 255) : colour;
    }
    layer.update();
    const same = new Uint32Array(256).fill(1);
    outlines(right, width, same, pixel(255, 255, 255, view === "changed" ? 0 : 90), edge.pixels);
    edge.update();
    stage.redraw();
  }
  function draw(context) {
    context.drawImage(layer.canvas, 0, 0);
    context.drawImage(edge.canvas, 0, 0);
  }
  const line = readout("Point at the picture, or go there with the keyboard: which id was it, which is it now?");
  function point(x, y, byKey) {
    if (x < 0) return line.show("");
    const i = y * width + x, was = right[i], is = damaged[i];
    line.show(`row ${y}, column ${x} · ${was === is ? `${called(was)} ✓ as it was` : `was ${called(was)}, is ${called(is)} ✗ invented`}`, byKey);
  }
  const stage = new Stage(width, height, model.get("alt"), { draw, point });

  // ---- the ids
  const score = readout("");
  score.node.className += " pw-score";
  const note = element("p", { className: "pw-note" });
  const body = element("tbody");
  function row(id, name, mark, pixels, wrong) {
    const only = button("only", () => set(model, "shown", model.get("shown") === id ? ALL : id), {
      className: "pw-only", ariaLabel: `show ${name} only`, "data-only": id, ariaPressed: String(model.get("shown") === id),
    });
    const label = element("label", {}, mark, element("span", {}, name));
    return element("tr", { "data-row": id }, element("th", { scope: "row" }, label),
      element("td", {}, pixels.toLocaleString("en")), element("td", {}, `${((100 * wrong) / pixels).toFixed(0)} %`), element("td", {}, only));
  }
  function tell() {
    const pixels = new Uint32Array(256), wrong = new Uint32Array(256), before = new Uint32Array(256);
    let changed = 0;
    for (let i = 0; i < damaged.length; i++) {
      const id = damaged[i];
      before[right[i]]++;
      pixels[id]++;
      if (id !== right[i]) {
        wrong[id]++;
        changed++;
      }
    }
    const ids = [...pixels.keys()].filter((id) => pixels[id]), strange = ids.filter((id) => !known(id));
    score.show(`${changed.toLocaleString("en")} of ${damaged.length.toLocaleString("en")} pixels changed (${((100 * changed) / damaged.length).toFixed(1)} %) · ${before.filter(Boolean).length} ids before, ${ids.length} now`);
    const rows = ids.filter(known).map((id) => row(id, names[id] ?? "ignored", swatch(id, colours[id] ?? "#808080"), pixels[id], wrong[id]));
    if (strange.length) {
      const mark = swatch("?", "#ffffff");
      const all = strange.reduce((sum, id) => sum + pixels[id], 0);
      rows.push(row(UNKNOWN, "no such class", mark, all, all));
    }
    const focused = document.activeElement?.dataset?.only;
    body.replaceChildren(...rows);
    if (focused) body.querySelector(`[data-only="${focused}"]`)?.focus();
    note.textContent = strange.length ? `Ids of no class: ${strange.join(", ")}` : changed ? "Every id is a valid class: no check of the range finds this." : "Nothing is invented.";
  }

  watch(model, ["resize", "jpeg", "quality"], damage);
  watch(model, ["view"], paint);
  watch(model, ["shown"], () => {
    paint();
    tell();
  });
  const quality = slider(model, "quality", "Quality", { min: 1, max: 100, step: 1, format: String });
  watch(model, ["jpeg"], () => (quality.querySelector("input").disabled = !model.get("jpeg")));
  const head = ["Id now", "Pixels", "Invented", ""].map((text) => element(text ? "th" : "td", text ? { scope: "col" } : {}, text));
  root.append(
    element("div", { className: "pw-bar" },
      choice(model, "resize", "Resize filter", FILTERS),
      checkbox(model, "jpeg", "Save as JPEG"), quality),
    element("div", { className: "pw-main" },
      element("div", { className: "pw-picture" }, stage.box, score.node, line.node,
        element("div", { className: "pw-bar" },
          choice(model, "view", "Show", { after: "Now", before: "Before", changed: "Changed" }), stage.buttons,
          keys(PICTURE_KEYS))),
      element("div", { className: "pw-legend" },
        element("table", {}, element("thead", {}, element("tr", {}, ...head)), body), note)),
  );
  return () => stage.close();
});
