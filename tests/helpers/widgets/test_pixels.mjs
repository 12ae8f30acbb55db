// node --test tests/helpers/widgets/test_pixels.mjs
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { inflateSync } from "node:zlib";

// read, not imported: without a package.json node may take a .js for the older kind of module
const code = readFileSync(new URL("../../../helpers/widgets/pixels.js", import.meta.url), "utf8");
const p = await import(`data:text/javascript,${encodeURIComponent(code)}`);

test("bytes come from every host's shape", () => {
  const bytes = Uint8Array.of(1, 2, 255);
  const long = Uint8Array.of(9, 1, 2, 255, 9);
  for (const given of [bytes, bytes.buffer, new DataView(long.buffer, 1, 3), "AQL/"]) {
    assert.deepEqual([...p.toBytes(given)], [1, 2, 255]);
  }
});

test("zlib there and back", async () => {
  const ids = Uint8Array.from({ length: 5000 }, (_, i) => i % 13);
  const packed = await p.deflate(ids);
  assert.deepEqual(new Uint8Array(inflateSync(packed)), ids);
  assert.deepEqual(await p.inflate(packed), ids);
});

test("text on a colour is readable", () => {
  assert.equal(p.ink("#0036d1"), "#ffffff");
  assert.equal(p.ink("#fff200"), "#000000");
});

test("a pixel is red, green, blue, alpha in memory", () => {
  const image = new Uint8Array(Uint32Array.of(p.pixel(10, 20, 30)).buffer);
  assert.deepEqual([...image], [10, 20, 30, 255]);
});

test("hidden classes are transparent, ignored pixels grey", () => {
  const table = p.colourTable(["#000000", "#0a141e"], [0]);
  const out = new Uint32Array(3);
  p.colourize(Uint8Array.of(0, 1, 255), table, out);
  assert.deepEqual([...out], [0, p.pixel(10, 20, 30), p.pixel(128, 128, 128)]);
});

test("outlines stand left of and above a change, not inside what is hidden", () => {
  const ids = Uint8Array.of(0, 0, 1, 0, 2, 1), out = new Uint32Array(6);
  p.outlines(ids, 3, Uint32Array.from({ length: 256 }, () => 1), 7, out);
  assert.deepEqual([...out], [0, 7, 0, 7, 7, 0]);
  p.outlines(ids, 3, Uint32Array.of(0, 1, 0), 7, out); // 0 and 2 hidden
  assert.deepEqual([...out], [0, 7, 0, 0, 7, 0]);
});

test("the confusion leaves ignored pixels out", () => {
  const matrix = p.confusion(Uint8Array.of(0, 0, 1, 1, 255), Uint8Array.of(0, 1, 1, 1, 0), 2);
  assert.deepEqual([...matrix], [1, 1, 0, 2]);
  const { iou, mean, accuracy } = p.summary(matrix, 2);
  assert.deepEqual(iou, [1 / 2, 2 / 3]);
  assert.equal(mean, (1 / 2 + 2 / 3) / 2);
  assert.equal(accuracy, 3 / 4);
});

test("an absent class has no IoU and is not in the mean", () => {
  const { iou, mean } = p.summary(p.confusion(Uint8Array.of(0, 0), Uint8Array.of(0, 0), 3), 3);
  assert.deepEqual(iou, [1, NaN, NaN]);
  assert.equal(mean, 1);
});

test("the scores of 6 hits, 2 false alarms and 4 misses", () => {
  const s = p.scores(6, 2, 4, 2);
  assert.deepEqual([s.precision, s.recall, s.iou, s.dice], [6 / 8, 6 / 10, 6 / 12, 12 / 18]);
  assert.equal(s.fBeta, (5 * 6) / (5 * 6 + 4 * 4 + 2));
});

test("a brush of one pixel draws a line, a wide one a disc, both inside the picture", () => {
  const drawn = (...args) => {
    const set = [];
    p.stroke(...args, 8, 6, (i) => set.push([i % 8, (i / 8) | 0]));
    return set;
  };
  assert.deepEqual(drawn(1, 2, 4, 2, 0.5), [[1, 2], [2, 2], [3, 2], [4, 2]]);
  assert.equal(drawn(4, 3, 4, 3, 1).length, 5);
  assert.deepEqual(drawn(-1, 0, -1, 0, 1), [[0, 0]]);
  assert.equal(drawn(20, 20, 30, 30, 2).length, 0);
});
