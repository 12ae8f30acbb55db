// Layers as a list, and the input pixels that one output pixel sees through them.
import { inflate, toBytes } from "./pixels.js";
import { Stage, bitmap } from "./stage.js";
import { PICTURE_KEYS, button, choice, element, field, keys, mount, readout, set, watch, wholeNumber } from "./parts.js";

export default mount(async (root, model) => {
  const KINDS = ["convolution", "pooling", "transposed"];
  const extent = model.get("extent");
  const photo = model.get("image") && (await bitmap(model.get("image")));
  const effective = model.get("effective") && (await inflate(toBytes(model.get("effective"))));
  const bounds = () => extent ?? [model.get("side"), model.get("side")];
  const dark = () => line.node.closest(".pixelwise")?.dataset.theme === "dark";

  const reach = (layer) => layer.dilation * (layer.kernel - 1);
  function sizeAfter(layer, side) {
    if (layer.kind === "transposed") return (side - 1) * layer.stride - 2 * layer.padding + reach(layer) + 1;
    return Math.floor((side + 2 * layer.padding - reach(layer) - 1) / layer.stride) + 1;
  }

  /** The positions, along one axis, that an output position is computed from. */
  function sees(layer, at) {
    const found = [];
    for (let k = 0; k < layer.kernel; k++) {
      const tap = layer.dilation * k - layer.padding;
      if (layer.kind !== "transposed") found.push(at * layer.stride + tap);
      else if ((at - tap) % layer.stride === 0) found.push((at - tap) / layer.stride);
    }
    return found;
  }

  /** How many paths lead to each input position; sides, if given, cut at the borders. */
  function paths(layers, at, sides) {
    let now = new Map([[at, 1]]);
    for (let n = layers.length - 1; n >= 0; n--) {
      const before = new Map();
      for (const [i, count] of now) {
        for (const j of sees(layers[n], i)) {
          if (!sides || (j >= 0 && j < sides[n])) before.set(j, (before.get(j) ?? 0) + count);
        }
      }
      now = before;
    }
    return now;
  }

  const span = (axis) => (axis.size ? [Math.min(...axis.keys()), Math.max(...axis.keys())] : [0, -1]);

  /** Field, jump and start after each layer, as `geometry` in receptive_field.py. */
  function geometry(layers) {
    let jump = 1, start = 0, phases = 1;
    return layers.map((layer, n) => {
      const middle = reach(layer) / 2 - layer.padding;
      if (layer.kind === "transposed") {
        jump /= layer.stride;
        start -= middle * jump;
        phases *= layer.stride;
      } else {
        start += middle * jump;
        jump *= layer.stride;
      }
      let side = 0;
      for (let phase = 0; phase < Math.min(64, phases); phase++) {
        const [first, last] = span(paths(layers.slice(0, n + 1), phase));
        side = Math.max(side, last - first + 1);
      }
      return { side, jump, start };
    });
  }

  // what is shown now
  let sides = [[], []]; // rows, columns: of the input and of each output
  let axes = [new Map(), new Map()];
  let broken = -1;

  function measure() {
    const layers = model.get("layers");
    sides = bounds().map((side) => {
      const found = [side];
      for (const layer of layers) found.push(sizeAfter(layer, found.at(-1)));
      return found;
    });
    broken = layers.findIndex((_, n) => Math.min(sides[0][n + 1], sides[1][n + 1]) < 1);
  }

  function look() {
    const pixel = model.get("pixel");
    axes = broken < 0 ? pixel.map((at, axis) => paths(model.get("layers"), at, sides[axis])) : [new Map(), new Map()];
  }

  // pictures
  const short = (count) => (count < 1e4 ? String(count) : count.toExponential(0).replace("+", ""));
  const most = () => Math.max(0, ...axes[0].values()) * Math.max(0, ...axes[1].values());

  function lattice(context, stage, width, height) {
    // under 5 CSS pixels a lattice hides what it divides: its frame is enough
    const step = stage.unit > 0.2 ? [width, height] : [1, 1];
    context.strokeStyle = dark() ? "#59636e" : "#c3cad2";
    context.lineWidth = stage.unit;
    context.beginPath();
    for (let x = 0; x <= width; x += step[0]) context.moveTo(x, 0), context.lineTo(x, height);
    for (let y = 0; y <= height; y += step[1]) context.moveTo(0, y), context.lineTo(width, y);
    context.stroke();
  }

  function frame(context, stage, x, y, width, height) {
    for (const [colour, line] of [["#000", 4], ["#fff", 2]]) {
      context.strokeStyle = colour;
      context.lineWidth = line * stage.unit;
      context.strokeRect(x, y, width, height);
    }
  }

  function drawInput(context) {
    const [height, width] = bounds();
    context.fillStyle = photo ? "#000000" : dark() ? "#1d2229" : "#ffffff";
    context.fillRect(0, 0, width, height);
    if (photo) {
      context.globalAlpha = 0.45; // what is not seen is dim
      context.drawImage(photo, 0, 0, width, height);
      context.globalAlpha = 1;
    }
    const showEffective = effective && model.get("view") === "effective";
    const top = most();
    const strength = (y, x) =>
      showEffective ? effective[y * width + x] / 255 : ((axes[0].get(y) ?? 0) * (axes[1].get(x) ?? 0)) / top;
    context.fillStyle = photo ? "#ffd84d" : dark() ? "#93afe8" : "#0036d1";
    const [ys, xs] = showEffective ? [[...Array(height).keys()], [...Array(width).keys()]] : axes.map((axis) => [...axis.keys()]);
    for (const y of ys) {
      for (const x of xs) {
        context.globalAlpha = 0.9 * Math.sqrt(strength(y, x) || 0);
        context.fillRect(x, y, 1, 1);
      }
    }
    context.globalAlpha = 1;
    if (!photo) lattice(context, input.stage, width, height);
    if (!showEffective && top && top < 1e4) writeCounts(context, strength);
    const [[top0, bottom], [left, right]] = axes.map(span);
    if (right >= left) frame(context, input.stage, left, top0, right - left + 1, bottom - top0 + 1);
  }

  /** The counts in the squares, where there is room: letters of less than a pixel are no letters. */
  function writeCounts(context, strength) {
    const { stage } = input, side = 1 / stage.unit;
    if (side < 8 * String(most()).length) return;
    const by = context.getTransform();
    context.save();
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.font = `${Math.min(0.5, 1.3 / (String(most()).length + 0.6)) * by.a}px system-ui, sans-serif`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    for (const [y, down] of axes[0]) {
      for (const [x, along] of axes[1]) {
        const strong = strength(y, x) > 0.5;
        const light = photo || dark() ? !strong : strong; // the letters, on light or dark squares
        context.fillStyle = light ? "#ffffff" : "#0b1220";
        context.fillText(short(down * along), (x + 0.5) * by.a + by.e, (y + 0.5) * by.d + by.f);
      }
    }
    context.restore();
  }

  function drawOutput(context) {
    const [height, width] = [sides[0].at(-1), sides[1].at(-1)];
    context.fillStyle = dark() ? "#1d2229" : "#ffffff";
    context.fillRect(0, 0, width, height);
    lattice(context, output.stage, width, height);
    const [y, x] = model.get("pixel");
    context.fillStyle = dark() ? "#93afe8" : "#0036d1";
    context.fillRect(x, y, 1, 1);
    frame(context, output.stage, x, y, 1, 1);
  }

  // beyond 2^53 counts are no longer exact
  const amount = (n) => (Number.isSafeInteger(n) ? n.toLocaleString("en") : `about ${n.toExponential(2)}`);
  const rows = (axis) => span(axis).join(" to ");
  function tell() {
    if (broken >= 0) return "";
    const [row, column] = model.get("pixel");
    const [high, wide] = axes.map((axis) => span(axis)[1] - span(axis)[0] + 1);
    if (!most()) return `output row ${row}, column ${column} · sees nothing of the input`;
    const seen = axes[0].size * axes[1].size;
    const holes = seen === high * wide ? "all" : `${Math.round((100 * seen) / (high * wide))} %`;
    return (
      `output row ${row}, column ${column} · its field: rows ${rows(axes[0])}, columns ${rows(axes[1])}, ` +
      `${high}×${wide} · sees ${seen.toLocaleString("en")} pixels of it (${holes}) · ` +
      `${amount(most())} ${most() === 1 ? "path leads" : "paths lead"} to the strongest`
    );
  }

  const line = readout("");
  function pointInput(y, x, byKey) {
    if (x < 0) return line.show(tell());
    const count = (axes[0].get(y) ?? 0) * (axes[1].get(x) ?? 0);
    const share = effective ? `, gradient ${Math.round(effective[y * bounds()[1] + x] / 2.55)} % of the strongest` : "";
    line.show(`input row ${y}, column ${x} · ${amount(count)} ${count === 1 ? "path" : "paths"}${share}`, byKey);
  }

  /** A picture that can be replaced by one of another size. */
  function picture(label, draw, point) {
    const head = element("p", { className: "pw-note" });
    const box = element("div", {}, head);
    const self = { box, head, stage: null };
    self.resize = (height, width, tallest) => {
      if (self.stage?.width === width && self.stage?.height === height) return self.stage.redraw();
      self.stage?.close();
      self.stage?.box.remove();
      self.stage = new Stage(width, height, label, { draw, point, press: () => true, release: () => model.save_changes() });
      self.stage.canvas.dataset.picture = label;
      const most = parseFloat(self.stage.box.style.maxWidth);
      self.stage.box.style.maxWidth = `${Math.min(most, (tallest * width) / height)}px`;
      box.append(self.stage.box);
    };
    return self;
  }
  const input = picture("input", drawInput, (x, y, byKey) => pointInput(y, x, byKey));
  const output = picture("output: choose a pixel", drawOutput, (x, y, byKey) => {
    if (x < 0) return;
    set(model, "pixel", [y, x], byKey);
    line.show(tell(), byKey);
  });

  // the layers
  const table = element("tbody");
  const change = (n, values) => {
    const layers = model.get("layers").map((layer) => ({ ...layer }));
    const layer = layers[n], kept = layer.kind === "convolution" && 2 * layer.padding === reach(layer);
    Object.assign(layer, values);
    if (kept && !("padding" in values)) layer.padding = Math.floor(reach(layer) / 2); // 'same' stays 'same'
    set(model, "layers", layers);
  };
  const add = (kind) => {
    const [kernel, stride, padding] = kind === "convolution" ? [3, 1, 1] : [2, 2, 0];
    set(model, "layers", [...model.get("layers"), { kind, kernel, stride, dilation: 1, padding }]);
  };
  const RANGES = { kernel: [1, 15], stride: [1, 8], dilation: [1, 36], padding: [0, 64] };
  function fillTable() {
    const layers = model.get("layers"), fields = geometry(layers);
    const focus = table.contains(document.activeElement) && document.activeElement.ariaLabel;
    table.replaceChildren(...layers.map((layer, n) => {
      const name = `layer ${n + 1}`;
      const kind = element("select", { ariaLabel: `${name}: kind` }, ...KINDS.map((each) =>
        element("option", { value: each, selected: each === layer.kind }, each)));
      kind.addEventListener("change", () => change(n, { kind: kind.value }));
      const cells = Object.entries(RANGES).map(([part, [min, max]]) =>
        element("td", {}, wholeNumber(`${name}: ${part}`, layer[part], { min, max, disabled: part === "dilation" && layer.kind === "pooling" },
          (value) => change(n, { [part]: value }))));
      const { side, jump, start } = fields[n];
      const left = broken < 0 || n < broken;
      const size = left ? `${sides[0][n + 1]}×${sides[1][n + 1]}` : n === broken ? "✗ nothing is left" : "–";
      const remove = button("×", () => set(model, "layers", model.get("layers").filter((_, i) => i !== n)),
        { className: "pw-only", ariaLabel: `remove ${name}`, disabled: layers.length === 1 });
      return element("tr", {}, element("th", { scope: "row" }, `${n + 1} `, kind), ...cells,
        ...[size, side, +jump.toFixed(3), +start.toFixed(3)].map((text) => element("td", {}, String(text))), element("td", {}, remove));
    }));
    if (focus) [...table.querySelectorAll("[aria-label]")].find((node) => node.ariaLabel === focus)?.focus();
  }

  function caption() {
    const colour = photo ? "yellow" : "blue";
    const seen = `${colour} is seen, a stronger ${colour} by more paths`;
    const what = effective && model.get("view") === "effective" ? `the stronger the ${colour}, the larger the gradient` : seen;
    input.head.textContent = `Input, ${bounds().join("×")}: ${what}`;
  }

  function update() {
    measure();
    if (broken < 0) {
      const fits = model.get("pixel").map((at, axis) => Math.min(at, sides[axis].at(-1) - 1));
      if (String(fits) !== String(model.get("pixel"))) model.set("pixel", fits);
    }
    look();
    fillTable();
    output.box.hidden = broken >= 0;
    input.resize(...bounds(), 560);
    if (broken < 0) output.resize(sides[0].at(-1), sides[1].at(-1), 300);
    caption();
    output.head.textContent = `Output, ${sides[0].at(-1)}×${sides[1].at(-1)}: point at a pixel`;
    line.show(tell());
  }
  watch(model, ["layers", "side"], update);
  watch(model, ["pixel", "view"], () => {
    look();
    caption();
    input.stage.redraw();
    output.stage?.redraw();
    line.show(tell());
  });

  const bar = element("div", { className: "pw-bar" });
  if (effective) {
    const [window, [row, column]] = [model.get("window"), model.get("measured")];
    const note = element("span", {},
      `The gradient of output row ${row}, column ${column}: 95 % of it lies in the nearest ${window}×${window} pixels.`);
    watch(model, ["view"], () => (note.hidden = model.get("view") !== "effective"));
    bar.append(choice(model, "view", "Field", { theoretical: "Theoretical", effective: "Effective" }), note);
  }
  if (!extent) bar.append(field(model, "side", "Side of the input", { min: 3, max: 512 }));
  const heads = ["Layer", ...Object.keys(RANGES), "size", "field", "jump", "start"].map((text) => element("th", { scope: "col" }, text));
  root.append(
    bar,
    element("div", { className: "pw-main" },
      element("div", { className: "pw-picture" }, input.box),
      element("div", { className: "pw-side" }, output.box)),
    line.node,
    element("div", { className: "pw-wide" },
      element("table", {}, element("thead", {}, element("tr", {}, ...heads, element("td"))), table)),
    element("div", { className: "pw-bar" }, ...KINDS.map((kind) => button(`+ ${kind}`, () => add(kind)))),
    element("p", { className: "pw-note" },
      "Field: the side of what one pixel sees. Jump: how far the fields of neighbours lie apart. " +
      "Start: the middle of the field of pixel 0. All in input pixels; the border is left aside."),
    keys(PICTURE_KEYS + " In the output they choose the pixel."),
  );
  return () => {
    input.stage.close();
    output.stage?.close();
    photo?.close();
  };
});
