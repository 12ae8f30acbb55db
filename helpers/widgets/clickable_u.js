// A U-Net as a U of buttons: sizes, parameters and maps of each block, for any input size.
import { choice, element, field, keys, mount, readout, set, slider, svg, watch } from "./parts.js";

export default mount(async (root, model) => {
  const { channels, classes, first, depth, norm } = model.get("network");
  const maps = model.get("maps"), [least, most] = model.get("sides");
  const ROW = 96, LEFT = 52, TOP = 30; // of a drawing 960 wide
  const COLUMN = (960 - 2 * LEFT) / (2 * depth + 1.25);

  /** The blocks in the order of the computation, up to the first that breaks: `blocks` in clickable_u.py. */
  function blocks() {
    const valid = model.get("padding") === "valid", loss = valid ? 4 : 0;
    const done = [], skips = [];
    let size = model.get("side"), before = channels;
    const double = (from, to) => 9 * from * to + 9 * to * to + (norm ? 4 : 2) * to;
    const add = (name, after, parameters, broken = "") => {
      done.push({ name, size, channels: after, parameters, broken: size < 1 ? "nothing is left" : broken });
      return !done.at(-1).broken;
    };
    for (let level = 0; level <= depth; level++) {
      const after = first * 2 ** level;
      size -= loss;
      if (!add(level < depth ? `down ${level}` : "bottom", after, double(before, after))) return done;
      if (level < depth) {
        skips.push(size);
        size = Math.floor(size / 2);
      }
      before = after;
    }
    for (let level = depth - 1; level >= 0; level--) {
      const after = first * 2 ** level;
      size *= 2;
      add(`up ${level}`, after, 4 * before * after + after);
      if (!valid && size !== skips[level]) {
        add(`join ${level}`, after, double(before, after), `${size} ≠ ${skips[level]}`);
        return done;
      }
      size -= loss;
      if (!add(`join ${level}`, after, double(before, after))) return done;
      before = after;
    }
    add("head", classes, before * classes + classes);
    return done;
  }

  const NAMES = ["down", "up", "join"].flatMap((kind) => Array.from({ length: depth }, (_, level) => `${kind} ${level}`));
  NAMES.splice(depth, 0, "bottom");
  NAMES.push("head");
  // in the order of the computation, for Tab
  const order = [...NAMES.slice(0, depth + 1)];
  for (let level = depth - 1; level >= 0; level--) order.push(`up ${level}`, `join ${level}`);
  order.push("head");

  /** The middle of a block in the drawing. */
  function place(name) {
    const [kind, text] = name.split(" "), level = Number(text);
    const [row, column] = {
      down: [level, level],
      bottom: [depth, depth],
      up: [level + 0.5, 2 * depth - level - 0.5],
      join: [level, 2 * depth - level],
      head: [0, 2 * depth + 1.25],
    }[kind];
    return [LEFT + COLUMN * column, TOP + ROW * row];
  }

  function explain(name) {
    const [kind, level] = name.split(" ");
    const twice = `two 3×3 convolutions, each with ${norm ? "batch norm and " : ""}ReLU`;
    return {
      down: `${twice}; its maps go on as the skip of level ${level}, and halved by max pooling`,
      bottom: `${twice}, on the smallest maps`,
      up: "a transposed convolution, 2×2 with stride 2: twice the height and width, half the channels",
      join: `the skip from down ${level} beside the maps from up ${level}, then ${twice}`,
      head: `a 1×1 convolution: one map for each of ${classes} classes`,
    }[kind];
  }

  // the drawing
  const height = TOP + ROW * depth + 34;
  const lines = svg("svg", { viewBox: `0 0 960 ${height}`, "aria-hidden": "true" });
  const arrow = (from, to, skip) => {
    const [[x0, y0], [x1, y1]] = [place(from), place(to)];
    const reach = (x1 - x0) / Math.hypot(x1 - x0, y1 - y0), rise = (y1 - y0) / Math.hypot(x1 - x0, y1 - y0);
    const flat = y0 === y1, gap = flat ? COLUMN * 0.47 : 30;
    const [x, y] = [x1 - reach * gap, y1 - rise * gap], turn = (Math.atan2(rise, reach) * 180) / Math.PI;
    lines.append(
      svg("line", { x1: x0, y1: y0, x2: x, y2: y, class: skip ? "pw-arrow pw-skip" : "pw-arrow" }),
      svg("path", { d: "M0 0L-9 -5L-9 5Z", class: "pw-head", transform: `translate(${x} ${y}) rotate(${turn})` }),
    );
  };
  for (let level = 0; level < depth; level++) {
    arrow(`down ${level}`, level + 1 < depth ? `down ${level + 1}` : "bottom");
    arrow(level + 1 < depth ? `join ${level + 1}` : "bottom", `join ${level}`);
    arrow(`down ${level}`, `join ${level}`, true);
  }
  arrow("join 0", "head");
  const note = (x, y, text) => lines.append(svg("text", { x, y, class: "pw-label" }, text));
  note(480, TOP - 8, "skip");
  note(LEFT + COLUMN * 0.5 - 26, TOP + ROW * 0.5 + 12, "pool");

  const buttons = new Map(order.map((name) => {
    const [x, y] = place(name);
    const size = element("span");
    const node = element("button", { type: "button", className: "pw-block", "data-block": name, onclick: () => {
      set(model, "block", name);
      line.show(about(name), true);
    } }, element("b", {}, name), size);
    node.style.left = `${(100 * x) / 960}%`;
    node.style.top = `${(100 * y) / height}%`;
    node.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      buttons.get(order[order.indexOf(name) + step])?.node.focus();
    });
    return [name, { node, size }];
  }));
  const drawing = element("div", { className: "pw-u" }, lines, ...[...buttons.values()].map(({ node }) => node));
  drawing.style.aspectRatio = `960 / ${height}`;

  // what is said about it
  let found = new Map();
  const shape = (block) => `${block.size}×${block.size}×${block.channels}`;
  function about(name) {
    const block = found.get(name);
    if (!block) return `${name}: not reached`;
    const parameters = `${block.parameters.toLocaleString("en")} parameters`;
    return `${name}: ${block.broken ? `✗ ${block.broken}` : shape(block)}, ${parameters}`;
  }
  const verdict = element("p", { className: "pw-verdict", role: "status" });
  const line = readout(" ");
  const what = element("p", { className: "pw-note" });
  const picture = element("img", { className: "pw-maps" });
  const caption = element("p", { className: "pw-note" });

  function resize() {
    const listed = blocks(), last = listed.at(-1), side = model.get("side");
    found = new Map(listed.map((block) => [block.name, block]));
    for (const [name, { node, size }] of buttons) {
      const block = found.get(name);
      size.textContent = !block ? "–" : block.broken ? `✗ ${block.broken}` : shape(block);
      node.classList.toggle("pw-broken", Boolean(block?.broken));
      node.classList.toggle("pw-unreached", !block);
    }
    const total = listed.reduce((sum, block) => sum + block.parameters, 0).toLocaleString("en");
    const rule = model.get("padding") === "same" ? ` Height and width must be divisible by 2${"⁰¹²³⁴⁵⁶⁷⁸⁹"[depth]} = ${2 ** depth}.` : "";
    verdict.textContent = last.broken
      ? `✗ ${side}×${side} in: ${last.name} stops with ${last.broken}.${last.broken.includes("≠") ? rule : ""}`
      : `✓ ${side}×${side} in, ${last.size}×${last.size} out. ${total} parameters in all.`;
    verdict.classList.toggle("pw-wrong", Boolean(last.broken));
    select();
  }

  function select() {
    const name = model.get("block");
    for (const [other, { node }] of buttons) node.ariaPressed = String(other === name);
    line.show(about(name));
    what.textContent = `${name} is ${explain(name)}.`;
    const shown = maps[name];
    picture.hidden = !shown;
    caption.textContent = "";
    if (!shown) return;
    const [source, rows, columns, count] = shown;
    caption.textContent = `${name} for the given image: the first ${Math.min(8, count)} of ${count} maps, ${rows}×${columns}, each from its darkest to its brightest value.`;
    picture.src = source;
    picture.alt = caption.textContent;
  }

  root.append(
    element("div", { className: "pw-bar" },
      slider(model, "side", "Side of the input", { min: least, max: most, step: 1, format: String }),
      field(model, "side", "or type it", { min: least, max: most }),
      choice(model, "padding", "Padding", { same: "same", valid: "valid" })),
    verdict,
    element("div", { className: "pw-wide" }, drawing),
    line.node, what, picture, caption,
    keys("Tab and the arrow keys go through the blocks in the order of the computation; Enter shows one."),
  );
  watch(model, ["side", "padding"], resize);
  watch(model, ["block"], select);
});
