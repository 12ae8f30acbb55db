// Augmentation as helpers.augment does it: the same draws, the same arithmetic, in the page.
import { IGNORE, colourTable, colourize, inflate, outlines, pixel, toBytes } from "./pixels.js";
import { Layer, Stage, bitmap } from "./stage.js";
import { PICTURE_KEYS, button, checkbox, element, keys, mount, percent, readout, set, slider, watch } from "./parts.js";

const CELLS = 4; // of the elastic grid, along each side

/** n rows of CELLS + 3 weights: the cubic B-spline's coefficients at n pixels. */
function splineBasis(n) {
  return Array.from({ length: n }, (_, i) => {
    const place = ((i + 0.5) / n) * CELLS, cell = Math.floor(place), t = place - cell;
    const weights = [(1 - t) ** 3, 3 * t ** 3 - 6 * t ** 2 + 4, -3 * t ** 3 + 3 * t ** 2 + 3 * t + 1, t ** 3];
    const row = new Float64Array(CELLS + 3);
    weights.forEach((weight, k) => (row[cell + k] = weight / 6));
    return row;
  });
}

/** Where each pixel of the result comes from: rows and columns in 1/256 of a pixel. */
function placesOf(width, height, [top, left, boxHeight, boxWidth], degrees, mirror, shifts) {
  const angle = (degrees * Math.PI) / 180, cos = Math.cos(angle), sin = Math.sin(angle);
  const down = boxHeight / height, right = (boxWidth / width) * (mirror ? -1 : 1);
  const matrix = [[cos * down, sin * right], [-sin * down, cos * right]];
  const middle = [top + boxHeight / 2 - 0.5, left + boxWidth / 2 - 0.5];
  let bend = null;
  if (shifts) {
    const side = CELLS + 3, rows = splineBasis(height), columns = splineBasis(width);
    bend = matrix.map(([a, b]) => {
      const bent = Array.from({ length: side * side }, (_, k) => a * shifts[k] + b * shifts[side * side + k]);
      const across = columns.map((weights) =>
        Array.from({ length: side }, (_, r) => weights.reduce((sum, weight, c) => sum + weight * bent[r * side + c], 0)));
      return (y, x) => across[x].reduce((sum, value, r) => sum + value * rows[y][r], 0);
    });
  }
  return matrix.map(([a, b], axis) => {
    const places = new Int32Array(width * height);
    for (let y = 0, k = 0; y < height; y++) {
      const start = a * (y + 0.5 - height / 2) + middle[axis];
      for (let x = 0; x < width; x++, k++) {
        const place = start + b * (x + 0.5 - width / 2) + (bend ? bend[axis](y, x) : 0);
        places[k] = Math.round(256 * place);
      }
    }
    return places;
  });
}

/** Nearest for the ids (255 outside), bilinear for the colours (the edge repeats). */
function fetchPixels(colours, ids, width, height, [rows, columns]) {
  const newColours = new Uint8Array(colours.length), newIds = new Uint8Array(ids.length);
  const limit = (v, most) => (v < 0 ? 0 : v > most ? most : v);
  for (let k = 0; k < ids.length; k++) {
    const row = (rows[k] + 128) >> 8, column = (columns[k] + 128) >> 8;
    const inside = row >= 0 && column >= 0 && row < height && column < width;
    newIds[k] = inside ? ids[row * width + column] : IGNORE;
    const y = limit(rows[k], (height - 1) * 256), x = limit(columns[k], (width - 1) * 256);
    const at = 3 * ((y >> 8) * width + (x >> 8)), fy = y & 255, fx = x & 255, both = (fy * fx) >> 8;
    const east = fx ? 3 : 0, south = fy ? 3 * width : 0; // a neighbour outside has no weight
    for (let c = 0; c < 3; c++) {
      newColours[3 * k + c] = ((256 - fy - fx + both) * colours[at + c] + (fx - both) * colours[at + east + c] +
        (fy - both) * colours[at + south + c] + both * colours[at + south + east + c] + 128) >> 8;
    }
  }
  return [newColours, newIds];
}

/** Brightness, contrast, saturation and hue as one 3×4 matrix, applied to every colour. */
function recolourPixels(colours, brightness, contrast, saturation, hue, middle) {
  const angle = (hue * Math.PI) / 180, cos = Math.cos(angle), sin = Math.sin(angle) / Math.sqrt(3);
  const turn = [[0, -1, 1], [1, 0, -1], [-1, 1, 0]];
  const matrix = turn.map((row, i) => row.map((sign, j) =>
    brightness * contrast * (1 / 3 + saturation * (cos * ((i === j) - 1 / 3) + sin * sign))));
  const offset = brightness * middle * (1 - contrast) + 0.5;
  const out = new Uint8ClampedArray(colours.length);
  for (let k = 0; k < colours.length; k += 3) {
    const r = colours[k], g = colours[k + 1], b = colours[k + 2];
    for (let c = 0; c < 3; c++) {
      out[k + c] = Math.floor(matrix[c][0] * r + matrix[c][1] * g + matrix[c][2] * b + offset);
    }
  }
  return out;
}

/** A Gaussian of `sigma` pixels out of three-tap kernels, their taps 1, 2, 4 … apart. */
function blurPixels(colours, width, height, sigma) {
  let variance = sigma * sigma, from = colours;
  for (let apart = 1; variance > 0; apart *= 2) {
    const share = Math.min(0.25, variance / (2 * apart * apart)), weight = Math.round(256 * share);
    variance -= 2 * apart * apart * share;
    for (const [size, stride] of [[height, 3 * width], [width, 3]]) {
      const out = new Uint8Array(from.length);
      for (let k = 0; k < from.length; k++) {
        const at = Math.floor(k / stride) % size;
        const before = k - Math.min(at, apart) * stride, after = k + Math.min(size - 1 - at, apart) * stride;
        out[k] = (from[k] * (256 - 2 * weight) + 128 + weight * (from[before] + from[after])) >> 8;
      }
      from = out;
    }
  }
  return from;
}

/** Normal numbers from a fixed table; other grains than Python's. */
function noiseTable(n = 65_536) {
  let state = 1;
  const random = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
  return Float32Array.from({ length: n }, () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random()));
}

export default mount(async (root, model) => {
  const width = model.get("image_width"), height = model.get("height"), shift = model.get("width") - width;
  const names = model.get("names"), [photo, ids] = await Promise.all([
    bitmap(model.get("image")), inflate(toBytes(model.get("mask"))),
  ]);
  const scratch = new OffscreenCanvas(width, height).getContext("2d");
  scratch.drawImage(photo, 0, 0);
  const read = scratch.getImageData(0, 0, width, height).data;
  const colours = Uint8Array.from({ length: 3 * width * height }, (_, i) => read[4 * Math.floor(i / 3) + (i % 3)]);
  const noise = noiseTable(), table = colourTable(model.get("colours"), []);
  const image = new Layer(width, height), tint = new Layer(width, height), edge = new Layer(width, height);
  let now = { colours, ids, right: ids };
  let hand = null;

  // ---- the pair, as Augment makes it
  function geometry(draw, shifts) {
    const g = (name) => model.get(name), mirror = draw.mirror < g("flip");
    const low = g("scale_low"), high = g("scale_high"), crop = g("crop");
    const zoom = low * (high / low) ** draw.zoom;
    const box = [["top", "bottom", "row", height], ["left", "right", "column", width]].map(([a, b, place, size]) => {
      const start = Math.floor(draw[a] * (crop + 1)), rest = size - start - Math.floor(draw[b] * (crop + 1));
      const length = rest / zoom, v = draw[place] * (rest - length), whole = Math.floor(v), half = v - whole;
      return [start + (half > 0.5 || (half === 0.5 && whole % 2) ? whole + 1 : whole), length];
    });
    const degrees = g("rotate") * (2 * draw.angle - 1), elastic = g("elastic");
    const words = [mirror ? "mirrored" : "not mirrored"];
    if (low !== 1 || high !== 1) words.push(`zoom ${zoom.toFixed(2)}`);
    if (g("rotate")) words.push(`turned ${degrees.toFixed(1)}°`);
    const bent = elastic ? shifts.map((v, k) => v * elastic * (k < shifts.length / 2 ? height : width)) : null;
    const places = placesOf(width, height, [box[0][0], box[1][0], box[0][1], box[1][1]], degrees, mirror, bent);
    return [...fetchPixels(colours, ids, width, height, places), words];
  }
  function photometry(from, draw, words) {
    const factor = (name) => {
      const value = 1 + model.get(name) * (2 * draw[name] - 1);
      if (model.get(name)) words.push(`${name} × ${value.toFixed(2)}`);
      return value;
    };
    if (["brightness", "contrast", "saturation", "hue"].some((name) => model.get(name))) {
      let middle = 0, count = 0;
      for (let y = 0; y < height; y += 4) {
        for (let x = 0; x < width; x += 4, count += 3) {
          for (let c = 0; c < 3; c++) middle += from[3 * (y * width + x) + c];
        }
      }
      const hue = model.get("hue") * (2 * draw.hue - 1);
      from = recolourPixels(from, factor("brightness"), factor("contrast"), factor("saturation"), hue, middle / count);
      if (hue) words.push(`hue ${hue.toFixed(0)}°`);
    }
    const sigma = model.get("blur") * draw.blur, deviation = 255 * model.get("noise") * draw.noise;
    if (sigma) {
      from = blurPixels(from, width, height, sigma);
      words.push(`blur ${sigma.toFixed(1)} px`);
    }
    if (deviation) {
      const start = Math.floor(draw.noise_place * noise.length);
      from = Uint8ClampedArray.from(from, (v, k) => Math.floor(v + deviation * noise[(start + k) & 65535] + 0.5));
      words.push(`noise ${deviation.toFixed(1)}`);
    }
    return from;
  }

  function augment() {
    const seed = model.get("seed"), draw = model.get("draws")[seed];
    const [moved, right, words] = geometry(draw, model.get("shifts")[seed]);
    const light = photometry(moved, draw, words);
    now = { colours: light, ids: model.get("paired") ? right : ids, right };
    for (let k = 0; k < ids.length; k++) image.pixels[k] = pixel(light[3 * k], light[3 * k + 1], light[3 * k + 2]);
    colourize(now.ids, table, tint.pixels);
    outlines(now.ids, width, new Uint32Array(256).fill(1), pixel(255, 255, 255), edge.pixels);
    for (const layer of [image, tint, edge]) layer.update();
    let wrong = 0, outside = 0;
    for (let k = 0; k < ids.length; k++) {
      wrong += now.ids[k] !== right[k];
      outside += right[k] === IGNORE;
    }
    const share = (part) => `${((100 * part) / ids.length).toFixed(1)} %`;
    verdict.show(model.get("paired") ? `✓ Image and mask fit. ${share(outside)} are ignored (255).` : `✗ The mask was left behind: ${share(wrong)} of the pixels are wrong.`);
    drawn.textContent = `Drawn for this sample: ${words.join(", ")}.`;
    stage.redraw();
  }

  // ---- the picture
  function draw(context) {
    context.drawImage(image.canvas, 0, 0);
    context.drawImage(tint.canvas, shift, 0);
    context.globalAlpha = 0.85;
    if (model.get("outlines")) context.drawImage(edge.canvas, 0, 0);
    context.drawImage(edge.canvas, shift, 0);
    context.globalAlpha = 1;
    if (!hand) return;
    for (const [colour, line] of [["#000", 4], ["#fff", 2]]) {
      context.strokeStyle = colour;
      context.lineWidth = line * stage.unit;
      for (const left of [0, shift]) {
        context.beginPath();
        context.arc(hand[0] + left + 0.5, hand[1] + 0.5, 8 * stage.unit, 0, 7);
        context.stroke();
      }
    }
  }
  const line = readout("Point at either picture: the ring marks the same place in both.");
  function point(x, y, byKey) {
    const column = x >= shift ? x - shift : x;
    hand = x < 0 || column >= width ? null : [column, y];
    stage.redraw();
    if (!hand) return line.show("");
    const k = y * width + column, id = now.ids[k], right = now.right[k];
    const called = (v) => (v === IGNORE ? "255 ignored" : `${v} ${names[v]}`);
    line.show(`row ${y}, column ${column} · mask ${called(id)}${id === right ? " ✓" : `, should be ${called(right)} ✗`}`, byKey);
  }
  const stage = new Stage(model.get("width"), height, model.get("alt"), { draw, point });
  for (const [side, words] of [["pw-left", "image"], ["pw-right", "mask"]]) {
    stage.box.append(element("span", { className: `pw-chip ${side}` }, words));
  }
  const verdict = readout("");
  verdict.node.className += " pw-score";
  const drawn = element("p", { className: "pw-note" });

  // ---- the sliders
  const px = (v) => `${v} px`, times = (v) => `× ${v.toFixed(2)}`, degrees = (v) => `± ${v}°`, range = (v) => `± ${Math.round(100 * v)} %`;
  const group = (title, ...sliders) => element("fieldset", { className: "pw-group" }, element("legend", {}, title),
    ...sliders.map(([name, label, max, step, format, min = 0]) => slider(model, name, label, { min, max, step, format })));
  const move = group("Geometry: image and mask",
    ["flip", "Mirror", 1, 0.05, percent], ["crop", "Crop", Math.min(40, (Math.min(width, height) >> 1) - 1), 1, px],
    ["scale_low", "Zoom from", 1, 0.05, times, 0.5], ["scale_high", "Zoom to", 2, 0.05, times, 1],
    ["rotate", "Turn", 180, 1, degrees], ["elastic", "Bend", 0.06, 0.005, (v) => `${(100 * v).toFixed(1)} %`]);
  const light = group("Light: image alone",
    ["brightness", "Brightness", 1, 0.05, range], ["contrast", "Contrast", 1, 0.05, range],
    ["saturation", "Saturation", 1, 0.05, range], ["hue", "Hue", 180, 1, degrees],
    ["blur", "Blur", 3, 0.1, (v) => `${v.toFixed(1)} px`], ["noise", "Noise", 0.3, 0.01, percent]);
  const presets = model.get("presets");
  const preset = (values) => () => {
    for (const [name, value] of Object.entries(values)) set(model, name, value, false);
    model.save_changes();
  };
  let asked = null; // several values at once: one picture
  watch(model, ["seed", "paired", ...Object.keys(presets.Off)], () => {
    asked ??= requestAnimationFrame(() => {
      asked = null;
      augment();
    });
  });
  watch(model, ["outlines"], () => stage.redraw());
  augment();

  const seeds = model.get("draws").length;
  root.append(
    element("div", { className: "pw-bar" },
      slider(model, "seed", "Sample", { min: 0, max: seeds - 1, step: 1, format: String }),
      button("Next", () => set(model, "seed", (model.get("seed") + 1) % seeds), { ariaLabel: "Next sample" }),
      checkbox(model, "paired", "The mask moves with the image"), checkbox(model, "outlines", "Outlines on the image"),
      element("div", { className: "pw-buttons" }, ...Object.keys(presets).map((name) => button(name, preset(presets[name]))))),
    stage.box, verdict.node, line.node,
    element("div", { className: "pw-bar" }, stage.buttons, drawn),
    element("div", { className: "pw-main" }, move, light),
    keys(`The sliders move with the arrow keys. ${PICTURE_KEYS}`),
  );
  return () => {
    stage.close();
    cancelAnimationFrame(asked);
    photo.close();
  };
});
