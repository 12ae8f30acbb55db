// A convolution, one position at a time, with its products written out.
import { button, choice, element, field, keys, mount, player, readout, set, svg, watch, wholeNumber } from "./parts.js";

export default mount(async (root, model) => {
  const image = model.get("image"); // channels × rows × columns
  const channels = image.length, high = image[0].length, wide = image[0][0].length;
  const get = (name) => model.get(name);
  const transposed = () => get("kind") === "transposed", separable = () => get("kind") === "separable";
  const word = (value) => String(+value.toFixed(2)).replace("-", "−");
  const part = (value) => (value < 0 ? `(${word(value)})` : word(value)); // a factor or a summand
  const sum = (values) => values.reduce((a, b) => a + b, 0);

  // arithmetic
  const size = () => get("kernel")[0].length;
  const reach = () => get("dilation") * (size() - 1) + 1;
  function outSize(side) {
    const padding = get("padding"), stride = get("stride");
    if (transposed()) return (side - 1) * stride + reach() - 2 * padding;
    return Math.floor((side + 2 * padding - reach()) / stride) + 1;
  }
  /** Where one side of the kernel lies for a position: in the input, or in the output if transposed. */
  const taps = (at) => Array.from({ length: size() }, (_, k) => at * get("stride") - get("padding") + k * get("dilation"));
  const value = (channel, y, x) => image[channel][y]?.[x] ?? 0;

  /** For a position the products of each channel, as rows of [factor, weight]. */
  const products = (y, x) => get("kernel").map((kernel, channel) =>
    taps(y).map((v, a) => taps(x).map((u, b) => [value(channel, v, u), kernel[a][b]])));
  const total = (rows) => sum(rows.flat().map(([factor, weight]) => factor * weight));
  function output(y, x) {
    const totals = products(y, x).map(total);
    return sum(totals.map((each, channel) => (separable() ? each * get("weights")[channel] : each)));
  }

  /** What positions up to `last` have laid down, and how often, in a transposed convolution. */
  function scattered(last) {
    const [rows, columns] = [outSize(high), outSize(wide)];
    const sums = Array.from({ length: rows }, () => Array(columns).fill(0));
    const counts = sums.map((row) => [...row]);
    for (let n = 0; n <= last; n++) {
      const [y, x] = [Math.floor(n / wide), n % wide];
      taps(y).forEach((v, a) => taps(x).forEach((u, b) => {
        if (sums[v]?.[u] === undefined) return;
        sums[v][u] += image[0][y][x] * get("kernel")[0][a][b];
        counts[v][u]++;
      }));
    }
    return { sums, counts };
  }

  const works = () => outSize(high) > 0 && outSize(wide) > 0;
  /** Rows and columns of the positions, one for each step. */
  const positions = () => (transposed() ? [high, wide] : [outSize(high), outSize(wide)]);
  const steps = () => (works() ? positions()[0] * positions()[1] : 0);
  const here = () => [Math.floor(get("step") / positions()[1]), get("step") % positions()[1]];
  const go = (step, byKey = false) => {
    set(model, "step", Math.min(steps() - 1, Math.max(0, step)));
    line.show(tell(), byKey);
  };

  // squares with numbers
  function grid(name, title, rows, columns, edge = 0, pick = null) {
    const all = [rows + 2 * edge, columns + 2 * edge];
    const side = Math.max(18, Math.min(40, Math.floor((channels > 1 ? 250 : 340) / Math.max(...all))));
    const cells = new Map();
    const drawing = svg("svg", { viewBox: `-1 -1 ${all[1] * 20 + 2} ${all[0] * 20 + 2}`, width: all[1] * side + 2, role: "img", "aria-label": title });
    for (let y = -edge; y < rows + edge; y++) {
      for (let x = -edge; x < columns + edge; x++) {
        const [left, top] = [(x + edge) * 20, (y + edge) * 20];
        const inside = y >= 0 && x >= 0 && y < rows && x < columns;
        const square = svg("rect", { x: left, y: top, width: 20, height: 20 });
        const text = svg("text", { x: left + 10, y: top + 10.5 });
        const cell = svg("g", { class: inside ? "pw-cell" : "pw-cell pw-edge" }, square, text);
        if (inside) cell.dataset.at = `${y},${x}`;
        if (pick && inside) cell.addEventListener("click", () => pick(y, x));
        drawing.append(cell);
        cells.set(`${y},${x}`, { cell, square, text, base: cell.getAttribute("class") });
      }
    }
    const box = element("div", pick ? { className: "pw-cells pw-pick", tabIndex: 0, role: "application", ariaLabel: `${title}. The arrow keys step.` } : { className: "pw-cells" }, drawing);
    if (pick) box.addEventListener("keydown", stepByKey);
    const node = element("figure", { className: "pw-grid", "data-grid": name }, element("figcaption", { className: "pw-note" }, title), box);
    /** content(y, x) → [number or "", class, shade 0–1]; classes: pw-in (window), pw-now. */
    const fill = (content) => {
      for (const [key, { cell, square, text, base }] of cells) {
        const [number, look = "", shade = 0] = content(...key.split(",").map(Number));
        const words = number === "" ? "" : word(number);
        text.textContent = words;
        text.style.fontSize = `${Math.min(9, 34 / Math.max(3, words.length))}px`;
        cell.setAttribute("class", `${base} ${look}`);
        square.style.fill = shade ? `color-mix(in srgb, var(--accent) ${Math.round(45 * shade)}%, var(--panel))` : "";
        if (look) drawing.append(cell); // its frame lies above its neighbours'
      }
    };
    return { node, fill };
  }

  function stepByKey(event) {
    const moves = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -positions()[1], ArrowDown: positions()[1] };
    const to = { Home: 0, End: steps() - 1 }[event.key] ?? get("step") + moves[event.key];
    if (Number.isNaN(to) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    if (to >= 0 && to < steps()) go(to, true);
  }

  // the kernel, for typing into
  function kernelTable(channel) {
    const kernel = get("kernel");
    const cell = (y, x) => {
      const input = element("input", { type: "number", step: "any", value: kernel[channel][y][x], ariaLabel: `kernel${channels > 1 ? ` of channel ${channel}` : ""}, row ${y}, column ${x}` });
      input.addEventListener("change", () => {
        const next = structuredClone(get("kernel"));
        next[channel][y][x] = Number(input.value) || 0;
        set(model, "kernel", next);
      });
      return input;
    };
    const rows = kernel[channel].map((row, y) => element("div", {}, ...row.map((_, x) => cell(y, x))));
    return element("div", { className: "pw-kernel" }, ...rows);
  }

  function weightInput(channel) {
    const input = element("input", { type: "number", step: "any", value: get("weights")[channel], ariaLabel: `1×1 weight of channel ${channel}` });
    input.addEventListener("change", () =>
      set(model, "weights", get("weights").map((old, n) => (n === channel ? Number(input.value) || 0 : old))));
    return element("div", { className: "pw-kernel" }, input);
  }

  // everything that changes with the settings
  const stage = element("div", { className: "pw-steps" });
  let grids = {};
  function build() {
    const focused = document.activeElement?.ariaLabel, kept = stage.contains(document.activeElement);
    const pick = (y, x) => go(y * positions()[1] + x);
    const flow = [];
    grids = {};
    const put = (name, ...how) => flow.push((grids[name] = grid(name, ...how)).node);
    const sign = (text) => flow.push(element("span", { className: "pw-sign", ariaHidden: "true" }, text));
    const figure = (title, content) => flow.push(element("figure", { className: "pw-grid" }, element("figcaption", { className: "pw-note" }, title), content));
    const edge = transposed() ? 0 : get("padding");
    image.forEach((_, channel) => {
      const which = channels > 1 ? `, channel ${channel}` : "";
      put(`input${channel}`, `Input ${high}×${wide}${which}${edge ? `, with ${edge} of padding` : ""}`, high, wide, edge, transposed() ? pick : null);
      sign("∗");
      figure(`Kernel ${size()}×${size()}${which}`, kernelTable(channel));
      if (separable()) {
        sign("=");
        if (works()) put(`depthwise${channel}`, `Depthwise${which}`, ...positions());
        sign("×");
        figure("1×1 weight", weightInput(channel));
      }
      flow.push(element("span", { className: "pw-break" }));
    });
    if (channels === 1) flow.pop(); // input, kernel and output side by side
    if (works()) {
      const [rows, columns] = [outSize(high), outSize(wide)];
      sign(channels > 1 ? "Σ =" : "=");
      put("output", `Output ${rows}×${columns}`, rows, columns, 0, transposed() ? null : pick);
      if (transposed()) put("counts", "How often each pixel is written to", rows, columns);
    } else {
      flow.push(element("p", { role: "alert" }, transposed()
        ? `✗ Nothing is left: the padding cuts ${get("padding")} from each edge.`
        : `✗ Nothing is left: the kernel spans ${reach()}×${reach()}, the input with its padding ${high + 2 * get("padding")}×${wide + 2 * get("padding")}.`));
    }
    stage.replaceChildren(...flow);
    slide.max = Math.max(0, steps() - 1);
    if (get("step") > steps() - 1) model.set("step", Math.max(0, steps() - 1));
    if (kept) [...stage.querySelectorAll("[aria-label]")].find((node) => node.ariaLabel === focused)?.focus();
    count();
    show();
  }

  function show() {
    slide.value = get("step");
    if (!works()) {
      written.textContent = "";
      return line.show(" ");
    }
    const [row, column] = here();
    const [ys, xs] = [new Set(taps(row)), new Set(taps(column))];
    const window = (y, x) => (ys.has(y) && xs.has(x) ? "pw-in" : "");
    const now = (y, x) => (y === row && x === column ? "pw-now" : "");
    const done = (y, x) => y * positions()[1] + x <= get("step");
    image.forEach((_, channel) =>
      grids[`input${channel}`].fill((y, x) => [value(channel, y, x), transposed() ? now(y, x) : window(y, x)]));
    if (transposed()) {
      const { sums } = scattered(get("step")), { counts } = scattered(steps() - 1);
      const most = Math.max(...counts.flat());
      grids.output.fill((y, x) => [sums[y][x], window(y, x)]);
      grids.counts.fill((y, x) => [counts[y][x], "", counts[y][x] / most]);
    } else {
      grids.output.fill((y, x) => [done(y, x) ? output(y, x) : "", now(y, x)]);
      if (separable()) image.forEach((_, channel) =>
        grids[`depthwise${channel}`].fill((y, x) => [done(y, x) ? total(products(y, x)[channel]) : "", now(y, x)]));
    }
    written.textContent = writeOut(row, column);
    slide.ariaValueText = `step ${get("step") + 1} of ${steps()}`;
    count();
    line.show(tell());
  }

  // words
  const row = (pairs) => pairs.map(([factor, weight]) => `${part(factor)}·${part(weight)}`).join(" + ");
  function writeOut(y, x) {
    if (transposed()) {
      const given = image[0][y][x];
      const lines = get("kernel")[0].map((weights) => weights.map((weight) => `${part(given)}·${part(weight)} = ${word(given * weight)}`).join("   "));
      return `${word(given)} times the kernel, added to the framed squares of the output:\n${lines.join("\n")}`;
    }
    const all = products(y, x), totals = all.map(total);
    const lines = all.map((rows, channel) => {
      const name = channels > 1 ? `channel ${channel}:\n` : "";
      return `${name}  ${rows.map(row).join("\n+ ")}\n= ${word(totals[channel])}`;
    });
    if (separable()) {
      const weighted = totals.map((each, channel) => `${part(each)}·${part(get("weights")[channel])}`).join(" + ");
      lines.push(`across the channels, 1×1:\n  ${weighted}\n= ${word(output(y, x))}`);
    } else if (channels > 1) lines.push(`all channels:\n  ${totals.map(part).join(" + ")}\n= ${word(sum(totals))}`);
    return lines.join("\n");
  }

  function tell() {
    if (!works()) return " ";
    const [y, x] = here(), where = `row ${y}, column ${x}`;
    const words = transposed() ? `input ${where} = ${word(image[0][y][x])}` : `output ${where} = ${word(output(y, x))}`;
    return `Step ${get("step") + 1} of ${steps()} · ${words}`;
  }

  const written = element("pre", { className: "pw-products", tabIndex: 0, ariaLabel: "The products" });
  const line = readout(" ");
  const counter = element("div", { className: "pw-count" });

  /** The multiplications; bars side by side where there are two ways. */
  function count() {
    const area = size() ** 2, maps = get("maps"), ordinary = steps() * area * channels * maps;
    const [rows, columns] = positions(), number = (n) => n.toLocaleString("en");
    const ways = [[channels > 1 ? "ordinary" : get("kind"), `${rows}×${columns} positions × ${area}${channels > 1 ? `·${channels}` : ""} weights × ${number(maps)} ${maps === 1 ? "map" : "maps"}`, ordinary]];
    if (channels > 1) {
      const [deep, point] = [steps() * area * channels, steps() * channels * maps];
      ways.push(["separable", `${rows}×${columns} × ${area}·${channels} + ${rows}×${columns} × ${channels}·${number(maps)} = ${number(deep)} + ${number(point)}`, deep + point]);
    }
    const most = Math.max(1, ...ways.map(([, , n]) => n));
    const bars = ways.map(([name, how, n]) => {
      const bar = element("span", { className: "pw-amount" });
      bar.style.width = `${(100 * n) / most}%`;
      return element("div", {}, element("b", {}, `${name}: `, element("span", { "data-count": name }, number(n))), ` = ${how}`, bar);
    });
    const ratio = ways[1] && steps() ? `Ordinary takes ${(ways[0][2] / ways[1][2]).toPrecision(3)} times as many as separable.` : "";
    if (!ways[1]) bars[0].lastChild.remove(); // nothing to compare
    counter.replaceChildren(element("p", { className: "pw-note" }, `Multiplications. ${ratio}`), ...bars);
  }

  const slide = element("input", { type: "range", min: 0, max: 0, step: 1, "data-name": "step" });
  slide.addEventListener("input", () => go(Number(slide.value)));
  const play = player(() => {
    if (get("step") >= steps() - 1) return false;
    go(get("step") + 1);
    return true;
  });
  const jump = (text, label, to) => button(text, () => {
    play.stop();
    go(to(), true);
  }, { ariaLabel: label, title: label });
  play.node.addEventListener("click", () => { // at the end it begins anew
    if (play.node.textContent === "Play" && get("step") >= steps() - 1) (go(0), play.node.click());
  });

  const kinds = channels > 1 ? { convolution: "Ordinary", separable: "Separable" } : { convolution: "Convolution", transposed: "Transposed" };
  const sizeInput = wholeNumber("Kernel", size(), { min: 1, max: 5 }, (side) => {
    const range = Array.from({ length: side }, (_, n) => n); // a larger kernel gets ones
    set(model, "kernel", get("kernel").map((kernel) => range.map((y) => range.map((x) => kernel[y]?.[x] ?? 1))));
  });
  watch(model, ["kernel"], () => (sizeInput.value = size()));
  root.append(
    element("div", { className: "pw-bar" },
      choice(model, "kind", "Kind", kinds),
      element("label", { className: "pw-field" }, element("span", {}, "Kernel"), sizeInput),
      field(model, "stride", "Stride", { min: 1, max: 4 }),
      field(model, "dilation", "Dilation", { min: 1, max: 4 }),
      field(model, "padding", "Padding", { min: 0, max: 4 })),
    element("div", { className: "pw-bar" },
      element("div", { className: "pw-buttons", role: "group", ariaLabel: "Steps" },
        jump("«", "First step", () => 0), jump("‹", "Step back", () => get("step") - 1), play.node,
        jump("›", "Next step", () => get("step") + 1), jump("»", "Last step", () => steps() - 1)),
      element("label", { className: "pw-slider" }, element("span", {}, "Step"), slide),
      line.node),
    stage,
    element("div", { className: "pw-main" }, written,
      element("div", { className: "pw-picture" }, counter, field(model, "maps", "Output maps", { min: 1, max: 4096 }))),
    keys("In the framed grid the arrow keys move to the next position, Home and End to the first and the last. Type into the kernel to change it."),
  );
  watch(model, ["kind", "kernel", "weights", "stride", "dilation", "padding"], build);
  watch(model, ["step"], show);
  watch(model, ["maps"], count);
  return () => play.stop();
});
