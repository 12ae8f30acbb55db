// The picture: a canvas that zooms and pans, with a cursor for the keyboard.
// Everything is drawn in image pixels; a small image is enlarged so that its pixels stay squares.
import { toBytes } from "./pixels.js";
import { element } from "./parts.js";

const LARGE = 700; // a picture narrower than this is enlarged
const TALLEST = 640; // CSS pixels
const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** JPEG or PNG bytes → something that drawImage takes. */
export const bitmap = (value) => createImageBitmap(new Blob([toBytes(value)]));

/** A transparent picture: write `pixels` (a Uint32Array, see pixels.js), call update(), draw `canvas`. */
export class Layer {
  constructor(width, height) {
    this.canvas = new OffscreenCanvas(width, height);
    this.context = this.canvas.getContext("2d");
    this.image = new ImageData(width, height);
    this.pixels = new Uint32Array(this.image.data.buffer);
  }
  update() {
    this.context.putImageData(this.image, 0, 0);
  }
}

/**
 * width, height: of the image. alt: what the picture shows.
 * does: what the widget does, all but draw may be missing:
 *   draw(context)              paints everything, in image pixels; ask for it with stage.redraw()
 *   point(x, y, byKey)         the pixel that is pointed at; (-1, -1) when the pointer leaves
 *   press(x, y, event) → bool  true: the drag is the widget's, not a pan
 *   drag(x, y, event), release()
 *   key(event) → bool          true: the key is taken
 * touch: the CSS touch-action while nothing is enlarged.
 */
export class Stage {
  constructor(width, height, alt, does, touch = "pan-x pan-y") {
    Object.assign(this, { width, height, does, touch });
    this.zoom = 1;
    this.left = this.top = 0; // the image pixel in the upper left corner
    this.cursor = null;
    this.keyed = false; // whether the keyboard moved it last
    this.scale = Math.max(1, Math.round(LARGE / width)); // canvas pixels per image pixel
    this.canvas = element("canvas", {
      width: width * this.scale,
      height: height * this.scale,
      tabIndex: 0,
      role: "application", // so that screen readers let the arrow keys through
      ariaRoleDescription: "picture",
      ariaLabel: alt,
    });
    this.canvas.style.touchAction = touch;
    this.percent = element("output", { className: "pw-zoom", ariaLabel: "zoom" }, "100 %");
    this.buttons = element(
      "div",
      { className: "pw-buttons", role: "group", ariaLabel: "Zoom" },
      this.#button("−", "Zoom out", () => this.zoomBy(1 / 1.5)),
      this.percent,
      this.#button("+", "Zoom in", () => this.zoomBy(1.5)),
      this.#button("Fit", "Show the whole picture", () => this.zoomBy(0)),
    );
    this.box = element("div", { className: "pw-stage" }, this.canvas);
    this.box.style.maxWidth = `${Math.round((TALLEST * width) / height)}px`;
    this.shown = new ResizeObserver(([entry]) => {
      this.cssScale = entry.contentRect.width / width || 1;
      this.redraw();
    });
    this.shown.observe(this.canvas);
    this.cssScale = 1;
    this.#listen();
  }

  /** Image pixels to one CSS pixel: lines and handles that keep their size are drawn with it. */
  get unit() {
    return 1 / (this.cssScale * this.zoom);
  }

  redraw() {
    this.queued ??= requestAnimationFrame(() => {
      this.queued = null;
      this.#paint();
    });
  }

  #paint() {
    const context = this.canvas.getContext("2d");
    const by = this.scale * this.zoom;
    context.setTransform(by, 0, 0, by, -this.left * by, -this.top * by);
    this.#draw(context, by > 1);
    if (this.keyed && document.activeElement === this.canvas) this.#drawCursor(context);
    this.canvas.dataset.frame = 1 + Number(this.canvas.dataset.frame ?? 0); // tests wait for it
  }

  #draw(context, enlarged) {
    context.globalAlpha = 1;
    context.imageSmoothingEnabled = !enlarged;
    this.does.draw(context);
    context.globalAlpha = 1;
  }

  #drawCursor(context) {
    const [x, y] = this.cursor, size = Math.max(1, 13 * this.unit), half = (size - 1) / 2;
    for (const [colour, line] of [["#000", 4], ["#fff", 2]]) {
      context.strokeStyle = colour;
      context.lineWidth = line * this.unit;
      context.strokeRect(x - half, y - half, size, size);
    }
  }

  /** The whole picture in the image's own size, as a PNG blob. */
  png() {
    const copy = new OffscreenCanvas(this.width, this.height);
    this.#draw(copy.getContext("2d"), false);
    return copy.convertToBlob({ type: "image/png" });
  }

  /** Enlarges by a factor around an image point (the middle by default); 0 shows everything. */
  zoomBy(factor, x = this.left + this.width / this.zoom / 2, y = this.top + this.height / this.zoom / 2) {
    const most = Math.max(8, this.width / 16);
    const zoom = Math.min(most, Math.max(1, this.zoom * factor));
    this.left = x - ((x - this.left) * this.zoom) / zoom;
    this.top = y - ((y - this.top) * this.zoom) / zoom;
    this.zoom = zoom;
    this.percent.textContent = `${Math.round(100 * zoom)} %`;
    this.canvas.style.touchAction = zoom > 1 ? "none" : this.touch;
    this.pan(0, 0);
  }

  /** Moves the view by image pixels; it stays inside the image. */
  pan(dx, dy) {
    const inside = (v, size) => Math.min(size - size / this.zoom, Math.max(0, v));
    this.left = inside(this.left + dx, this.width);
    this.top = inside(this.top + dy, this.height);
    this.redraw();
  }

  /** Moves the keyboard's cursor to a pixel, brings it into view and reads it out. */
  moveTo(x, y) {
    x = Math.min(this.width - 1, Math.max(0, x));
    y = Math.min(this.height - 1, Math.max(0, y));
    this.cursor = [x, y];
    this.keyed = true;
    const reach = (at, first, size) =>
      at < first ? at - first : Math.max(0, at + 1 - first - size / this.zoom);
    this.pan(reach(x, this.left, this.width), reach(y, this.top, this.height));
    this.does.point?.(x, y, true);
  }

  /** The image pixel under a pointer; outside the picture it is beyond the borders. */
  at(event) {
    const box = this.canvas.getBoundingClientRect();
    return [
      Math.floor(this.left + ((event.clientX - box.left) / box.width) * (this.width / this.zoom)),
      Math.floor(this.top + ((event.clientY - box.top) / box.height) * (this.height / this.zoom)),
    ];
  }

  #button(text, label, act) {
    return element("button", { type: "button", ariaLabel: label, title: label, onclick: act }, text);
  }

  #listen() {
    const fingers = new Map();
    let drag = null; // "tool", or "pan"
    let apart = 0, middle; // of two fingers
    const on = (name, act, options) => this.canvas.addEventListener(name, act, options);
    const spread = () => {
      const [a, b] = fingers.values();
      const between = { clientX: (a.clientX + b.clientX) / 2, clientY: (a.clientY + b.clientY) / 2 };
      return [Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY), between];
    };
    const end = (event) => {
      fingers.delete(event.pointerId);
      if (drag === "tool") this.does.release?.();
      drag = null;
    };
    on("pointerdown", (event) => {
      if (event.button) return;
      this.canvas.focus({ preventScroll: true });
      this.canvas.setPointerCapture(event.pointerId);
      fingers.set(event.pointerId, event);
      const [x, y] = this.at(event);
      if (fingers.size === 2) {
        if (drag === "tool") this.does.release?.();
        drag = "pinch";
        [apart, middle] = spread();
        return;
      }
      drag = this.does.press?.(x, y, event) ? "tool" : "pan";
      this.cursor = [x, y]; // the keyboard goes on from here
      this.keyed = false;
      this.does.point?.(x, y, false);
    });
    on("pointermove", (event) => {
      const before = fingers.get(event.pointerId);
      if (before) fingers.set(event.pointerId, event);
      if (before && drag === "pinch" && fingers.size === 2) {
        const [now, between] = spread();
        this.pan((middle.clientX - between.clientX) * this.unit, (middle.clientY - between.clientY) * this.unit);
        this.zoomBy(now / apart, ...this.at(between));
        [apart, middle] = [now, between];
        return;
      }
      if (before && drag === "pan") {
        const by = this.unit;
        this.pan((before.clientX - event.clientX) * by, (before.clientY - event.clientY) * by);
      }
      const [x, y] = this.at(event);
      if (before && drag === "tool") this.does.drag?.(x, y, event);
      if (x >= 0 && y >= 0 && x < this.width && y < this.height) this.does.point?.(x, y, false);
    });
    on("pointerup", end);
    on("pointercancel", end);
    on("pointerleave", (event) => {
      if (event.pointerType !== "touch") this.does.point?.(-1, -1, false); // a finger leaves when it lifts
    });
    on("wheel", (event) => {
      if (!event.ctrlKey) return; // the wheel alone scrolls the page
      event.preventDefault();
      this.zoomBy(Math.exp(-event.deltaY / 200), ...this.at(event));
    }, { passive: false });
    on("focus", () => this.redraw());
    on("blur", () => this.redraw());
    on("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) {
        if (this.does.key?.(event)) event.preventDefault();
        return;
      }
      const [dx, dy] = STEPS[event.key] ?? [0, 0];
      const factor = { "+": 1.5, "=": 1.5, "-": 1 / 1.5, 0: 0 }[event.key];
      if (dx || dy) {
        const by = event.shiftKey ? 25 : 1;
        const [x, y] = this.cursor ?? [this.width >> 1, this.height >> 1];
        this.moveTo(x + by * dx, y + by * dy);
      } else if (factor !== undefined) {
        this.zoomBy(factor, ...(this.cursor ?? []));
      } else if (!this.does.key?.(event)) {
        return;
      }
      event.preventDefault();
    });
  }

  close() {
    this.shown.disconnect();
    cancelAnimationFrame(this.queued);
  }
}
