// Arithmetic on class ids and pixels. No page, no canvas: node runs it too.
// A label map is a Uint8Array of height × width ids, row by row; 255 is ignored.

export const IGNORE = 255;

/** The bytes of a value as a host hands it over: DataView, ArrayBuffer or base64. */
export function toBytes(value) {
  if (value instanceof Uint8Array) return value;
  if (typeof value === "string") return Uint8Array.from(atob(value), (c) => c.charCodeAt(0));
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
}

async function through(stream, data) {
  const piped = new Blob([data]).stream().pipeThrough(stream);
  return new Uint8Array(await new Response(piped).arrayBuffer());
}

/** zlib's bytes → what was packed. */
export const inflate = (data) => through(new DecompressionStream("deflate"), data);

/** Bytes → zlib, as Python's zlib.decompress reads it. */
export const deflate = (data) => through(new CompressionStream("deflate"), data);

/** '#rrggbb' → red, green, blue. */
export const rgb = (colour) => [1, 3, 5].map((i) => parseInt(colour.slice(i, i + 2), 16));

/** Red, green, blue, alpha → one pixel of an ImageData seen as Uint32Array. */
export const pixel = (r, g, b, a = 255) => ((a << 24) | (b << 16) | (g << 8) | r) >>> 0;

/** '#000000' or '#ffffff', whichever is easier to read on `colour` (WCAG's luminance). */
export function ink(colour) {
  const [r, g, b] = rgb(colour).map((v) => (v <= 10 ? v / 3294.6 : ((v / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179 ? "#000000" : "#ffffff";
}

/** For each id 0…255 its pixel; transparent where hidden, grey where the scheme has no such id. */
export function colourTable(colours, hidden) {
  const table = new Uint32Array(256).fill(pixel(128, 128, 128));
  colours.forEach((colour, id) => (table[id] = pixel(...rgb(colour))));
  for (const id of hidden) table[id] = 0;
  return table;
}

/** Writes the colour of each id into `out`. */
export function colourize(ids, table, out) {
  for (let i = 0; i < ids.length; i++) out[i] = table[ids[i]];
}

/** Writes `line` where the right or lower neighbour looks different, else transparent.
 * Hidden classes (0 in the table) count as one: no lines run inside them. */
export function outlines(ids, width, table, line, out) {
  const same = new Uint8Array(256);
  for (let id = 0; id < 256; id++) same[id] = table[id] ? id : IGNORE;
  const height = ids.length / width;
  for (let y = 0, i = 0; y < height; y++) {
    const below = y + 1 < height ? width : 0;
    for (let x = 0; x < width; x++, i++) {
      const id = same[ids[i]];
      const edge = id !== same[ids[i + below]] || (x + 1 < width && id !== same[ids[i + 1]]);
      out[i] = edge ? line : 0;
    }
  }
}

/** Pixels by true and predicted id, n × n, row = truth; where either is ignored, not counted. */
export function confusion(truth, prediction, n) {
  const pairs = new Uint32Array(65536);
  for (let i = 0; i < truth.length; i++) pairs[(truth[i] << 8) | prediction[i]]++;
  const matrix = new Float64Array(n * n);
  for (let t = 0; t < n; t++) for (let p = 0; p < n; p++) matrix[t * n + p] = pairs[(t << 8) | p];
  return matrix;
}

/** How often each id occurs, 256 numbers. */
export function histogram(ids) {
  const counts = new Uint32Array(256);
  for (let i = 0; i < ids.length; i++) counts[ids[i]]++;
  return counts;
}

/** Precision, recall, IoU, Dice and F-beta from counts; NaN where there is nothing to divide by. */
export function scores(tp, fp, fn, beta = 1) {
  const b = beta * beta;
  return {
    precision: tp / (tp + fp),
    recall: tp / (tp + fn),
    iou: tp / (tp + fp + fn),
    dice: (2 * tp) / (2 * tp + fp + fn),
    fBeta: ((1 + b) * tp) / ((1 + b) * tp + b * fn + fp),
  };
}

/** The IoU of each class, their mean without the absent ones, and the share of right pixels. */
export function summary(matrix, n) {
  const truth = new Float64Array(n), prediction = new Float64Array(n);
  let right = 0, all = 0;
  for (let t = 0; t < n; t++) {
    for (let p = 0; p < n; p++) {
      truth[t] += matrix[t * n + p];
      prediction[p] += matrix[t * n + p];
    }
    right += matrix[t * n + t];
    all += truth[t];
  }
  const iou = Array.from(truth, (count, k) => {
    const tp = matrix[k * n + k];
    return scores(tp, prediction[k] - tp, count - tp).iou;
  });
  const known = iou.filter((value) => !Number.isNaN(value));
  return { iou, mean: known.reduce((a, b) => a + b, 0) / known.length, accuracy: right / all };
}

/** Calls set(index) for each pixel within `radius` of the segment from (x0, y0) to (x1, y1). */
export function stroke(x0, y0, x1, y1, radius, width, height, set) {
  const dx = x1 - x0, dy = y1 - y0, length = dx * dx + dy * dy, reach = radius * radius;
  const left = Math.max(0, Math.ceil(Math.min(x0, x1) - radius));
  const right = Math.min(width - 1, Math.floor(Math.max(x0, x1) + radius));
  const top = Math.max(0, Math.ceil(Math.min(y0, y1) - radius));
  const bottom = Math.min(height - 1, Math.floor(Math.max(y0, y1) + radius));
  for (let y = top; y <= bottom; y++) {
    for (let x = left; x <= right; x++) {
      const t = length ? Math.min(1, Math.max(0, ((x - x0) * dx + (y - y0) * dy) / length)) : 0;
      const ex = x - x0 - t * dx, ey = y - y0 - t * dy;
      if (ex * ex + ey * ey <= reach) set(y * width + x);
    }
  }
}
