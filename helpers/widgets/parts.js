// What widgets are made of: controls, legend, readout, and their place in the page.
import { ink } from "./pixels.js";

const FOCUSABLE = new Set(["button", "canvas", "input", "select", "summary"]);

/** An element with properties and children. Names starting with data- become attributes. */
export function element(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in node) node[name] = value;
    else node.setAttribute(name, value);
  }
  // else Jupyter takes keys pressed here, such as x, as its own commands; it looks at this node only
  if (FOCUSABLE.has(tag) || "tabIndex" in properties) {
    node.setAttribute("data-lm-suppress-shortcuts", "true");
  }
  node.append(...children);
  return node;
}

export const button = (text, act, properties = {}) =>
  element("button", { type: "button", onclick: act, ...properties }, text);

/** Calls act now and whenever Python or the page changes one of the values. */
export function watch(model, names, act) {
  for (const name of names) model.on(`change:${name}`, act);
  act();
}

/** Sets a value in the page; `save` also sends it to Python, where there is one. */
export function set(model, name, value, save = true) {
  model.set(name, value);
  if (save) model.save_changes();
}

export const percent = (value) => `${Math.round(100 * value)} %`;

/** A slider of the number `name`: the picture follows while it moves, Python when it is let go. */
export function slider(model, name, label, { min = 0, max = 1, step = 0.01, format = percent } = {}) {
  const input = element("input", { type: "range", min, max, step, "data-name": name });
  const output = element("output");
  input.addEventListener("input", () => set(model, name, Number(input.value), false));
  input.addEventListener("change", () => model.save_changes());
  watch(model, [name], () => {
    input.value = model.get(name);
    output.textContent = format(model.get(name));
    input.ariaValueText = output.textContent;
  });
  return element("label", { className: "pw-slider" }, element("span", {}, label), input, output);
}

/** A switch of the true-or-false value `name`. */
export function checkbox(model, name, label) {
  const input = element("input", { type: "checkbox", "data-name": name });
  input.addEventListener("change", () => set(model, name, input.checked));
  watch(model, [name], () => (input.checked = model.get(name)));
  return element("label", { className: "pw-check" }, input, element("span", {}, label));
}

let groups = 0;

/** One of several: `options` maps what the value `name` becomes to the words on the button. */
export function choice(model, name, label, options) {
  const group = `pw-${name}-${groups++}-${Math.random().toString(36).slice(2)}`;
  const inputs = Object.keys(options).map((value) =>
    element("input", { type: "radio", name: group, value, "data-name": name }),
  );
  for (const input of inputs) input.addEventListener("change", () => set(model, name, input.value));
  watch(model, [name], () => inputs.forEach((i) => (i.checked = i.value === String(model.get(name)))));
  const labels = inputs.map((input) =>
    element("label", {}, input, element("span", {}, options[input.value])),
  );
  return element("fieldset", { className: "pw-choice" }, element("legend", {}, label), ...labels);
}

/** A field for a whole number; act(value) is called with what was typed, put into the range. */
export function wholeNumber(label, value, { min, max, ...more }, act) {
  const input = element("input", { type: "number", min, max, step: 1, value, ariaLabel: label, ...more });
  input.addEventListener("change", () => {
    const typed = Math.round(Number(input.value));
    input.value = Math.min(max, Math.max(min, typed || 0));
    act(Number(input.value));
  });
  return input;
}

/** The same for the value `name`, with its label before it. */
export function field(model, name, label, range) {
  const input = wholeNumber(label, model.get(name), { ...range, "data-name": name }, (value) => set(model, name, value));
  watch(model, [name], () => (input.value = model.get(name)));
  return element("label", { className: "pw-field" }, element("span", {}, label), input);
}

/** A button that calls step() again and again until it says false. Whoever asked for less motion
 * has none: there are other ways to each step. Returns {node, stop}. */
export function player(step, pause = 700) {
  let timer = null;
  const stop = () => {
    clearInterval(timer);
    timer = null;
    node.textContent = "Play";
  };
  const tick = () => step() || stop();
  const node = button("Play", () => {
    if (timer) return stop();
    timer = setInterval(tick, pause);
    node.textContent = "Pause";
    tick();
  }, { className: "pw-play", hidden: matchMedia("(prefers-reduced-motion: reduce)").matches });
  return { node, stop };
}

/** An SVG element with attributes and children. */
export function svg(tag, attributes = {}, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

/** The line under the picture. show(text, byKey): spoken only if the keyboard asked. */
export function readout(hint) {
  const node = element("output", { className: "pw-readout", ariaLive: "off" }, hint);
  const show = (text, byKey = false) => {
    node.ariaLive = byKey ? "polite" : "off";
    node.textContent = text || hint;
  };
  return { node, show };
}

/** The id of a class on its colour: the number says what the colour says. */
export function swatch(id, colour) {
  const node = element("span", { className: "pw-swatch" }, String(id));
  node.style.background = colour;
  node.style.color = ink(colour);
  return node;
}

/**
 * The classes as a table: a tick hides or shows one, 'only' isolates it and gives the others back.
 * rows: [{id, pixels, iou}], iou may be missing. The value `hidden` of the model lists hidden ids.
 * Returns {node, point(ids)}, which marks the classes under the pointer.
 */
export function legend(model, rows, note = "") {
  const names = model.get("names"), colours = model.get("colours");
  const scored = rows.some((row) => row.iou !== undefined);
  let before = null; // what was hidden before a class was isolated
  const hidden = () => new Set(model.get("hidden"));
  const isolated = (id) => !hidden().has(id) && rows.every((row) => row.id === id || hidden().has(row.id));
  const lines = rows.map(({ id, pixels, iou }) => {
    const name = names[id];
    const box = element("input", { type: "checkbox", ariaLabel: `show ${name}`, "data-id": id });
    box.addEventListener("change", () => {
      const now = hidden();
      if (box.checked) now.delete(id);
      else now.add(id);
      set(model, "hidden", [...now].sort((a, b) => a - b));
    });
    const only = button("only", () => {
      if (isolated(id) && before) return set(model, "hidden", before);
      if (!rows.some((row) => isolated(row.id))) before = [...hidden()];
      set(model, "hidden", rows.map((row) => row.id).filter((other) => other !== id));
    }, { className: "pw-only", ariaLabel: `show ${name} only`, "data-only": id });
    const label = element("label", {}, box, swatch(id, colours[id]), element("span", {}, name));
    const line = element("tr", {},
      element("th", { scope: "row" }, label),
      element("td", {}, pixels.toLocaleString("en")),
    );
    if (scored) line.append(element("td", {}, iou === undefined || Number.isNaN(iou) ? "–" : iou.toFixed(3)));
    line.append(element("td", {}, only));
    return { id, line, box, only };
  });
  const heads = ["Class", "Pixels", ...(scored ? ["IoU"] : [])];
  const table = element("table", {},
    element("thead", {}, element("tr", {},
      ...heads.map((text) => element("th", { scope: "col" }, text)),
      element("td", {}, button("all", () => set(model, "hidden", []), { className: "pw-only", ariaLabel: "show all classes" })),
    )),
    element("tbody", {}, ...lines.map(({ line }) => line)),
  );
  watch(model, ["hidden"], () => {
    const now = hidden();
    for (const { id, box, only, line } of lines) {
      box.checked = !now.has(id);
      line.classList.toggle("pw-hidden", now.has(id));
      only.ariaPressed = String(isolated(id));
    }
  });
  const node = element("div", { className: "pw-legend" }, table);
  if (note) node.append(element("p", { className: "pw-note" }, note));
  const point = (ids) => lines.forEach(({ id, line }) => line.classList.toggle("pw-here", ids.includes(id)));
  return { node, point };
}

/** What the keys do, folded away. */
export const keys = (text) =>
  element("details", { className: "pw-keys" }, element("summary", {}, "Keys"), element("p", {}, text));

export const PICTURE_KEYS =
  "In the picture, the arrow keys move the cursor by one pixel, with Shift by 25; " +
  "+ and − zoom, 0 shows everything. Ctrl and the wheel, or two fingers, zoom too.";

/** Offers a blob as a file. */
export function download(blob, name) {
  const link = element("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** A model for pages without a kernel: values in memory. model.alone tells it from a live one. */
export function memory(values) {
  const listeners = {};
  return {
    alone: true,
    get: (name) => values[name],
    set(name, value) {
      values[name] = value;
      for (const act of listeners[`change:${name}`] ?? []) act();
    },
    on: (event, act) => (listeners[event] ??= []).push(act),
    off() {},
    save_changes() {},
  };
}

/** Whether the page behind `node` is dark. */
function isDark(node) {
  for (let at = node; at; at = at.parentElement ?? frame(at)) {
    const [r, g, b, a = 1] = getComputedStyle(at).backgroundColor.match(/[\d.]+/g)?.map(Number) ?? [];
    if (r !== undefined && a > 0.5) return 0.299 * r + 0.587 * g + 0.114 * b < 128;
  }
  return false;
}

/** The iframe that `node` is in, if it may be touched. */
function frame(node) {
  try {
    return node.ownerDocument.defaultView.frameElement;
  } catch {
    return null;
  }
}

/**
 * The widget as anywidget wants it. build(root, model) fills the root and returns what closes it;
 * it is called when the widget comes near the window.
 */
export function mount(build) {
  return {
    render({ model, el }) {
      const root = element("div", { className: "pixelwise", role: "group", ariaLabel: model.get("title") });
      const [width, height] = [model.get("width") ?? 4, model.get("height") ?? 3];
      const waiting = element("div", { className: "pw-waiting" }, model.get("alt"));
      waiting.style.aspectRatio = `${width} / ${height}`;
      root.append(waiting);
      el.append(root);
      root.addEventListener("keydown", (event) => event.stopPropagation());

      const outer = frame(el);
      const theme = () => (root.dataset.theme = isDark(outer ?? el) ? "dark" : "light");
      const changes = new MutationObserver(theme);
      const page = (outer ?? el).ownerDocument;
      for (const node of [page.documentElement, page.body]) {
        changes.observe(node, { attributes: true, attributeFilter: ["class", "style", "data-jp-theme-light", "data-theme"] });
      }
      if (outer) {
        // the picture for viewers without scripts lies under the frame
        outer.previousElementSibling?.setAttribute("hidden", "");
        new ResizeObserver(() => {
          outer.parentElement.style.height = `${Math.ceil(root.getBoundingClientRect().height) + 8}px`;
        }).observe(root);
      }

      let close;
      const near = new IntersectionObserver(async (seen) => {
        if (!seen.some((entry) => entry.isIntersecting)) return;
        near.disconnect();
        theme(); // not before: a host may call render while its element is not in the page yet
        const parts = element("div");
        try {
          close = await build(parts, model);
          root.replaceChildren(...parts.childNodes);
          root.dataset.ready = "1"; // tests wait for it
        } catch (error) {
          root.replaceChildren(element("p", { role: "alert" }, `The widget could not start: ${error.message}`));
          throw error;
        }
      }, { rootMargin: "400px" });
      near.observe(root);
      return () => {
        near.disconnect();
        changes.disconnect();
        close?.();
      };
    },
  };
}
