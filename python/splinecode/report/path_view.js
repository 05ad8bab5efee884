// The path viewer: outputs along a segment, Hamming from its start, and a tick for each crossing.
"use strict";

lens.PathView = class {
  static LEFT = 92;
  static GAP = 16;

  constructor(holder, data) {
    Object.assign(this, { holder, layers: data.layers, segments: data.segments });
    this.buildPage();
    this.choose(0);
    this.listen();
    lens.watch(this.stage, () => this.draw());
  }

  buildPage() {
    this.canvas = lens.element("canvas", {
      tabindex: "0", role: "application", "aria-label":
        "Crossings along a segment. Left and right go from crossing to crossing, home and end to " +
        "the first and last; plus and minus zoom, 0 shows all.",
    });
    const rows = this.layers.length;
    this.stage = lens.element("div", { class: "stage", style: `height:${330 + Math.min(28 * rows, 420)}px` }, this.canvas);
    this.readout = lens.element("div", { class: "readout", role: "status", "aria-live": "polite" });
    this.controls = lens.element("div", { class: "controls" });
    const select = lens.element("select", {}, ...this.segments.map((segment, i) =>
      lens.element("option", { value: String(i) }, segment.name)));
    select.addEventListener("change", () => this.choose(Number(select.value)));
    this.controls.append(lens.element("label", {}, "Segment ", select));
    lens.buttons(this.controls, [
      ["Zoom in", "+", () => this.zoom(1.6, 0.5)],
      ["Zoom out", "\u2212", () => this.zoom(1 / 1.6, 0.5)],
      ["Show all", "all", () => this.choose(this.chosen)],
    ]);
    const side = lens.element("div", { class: "side" }, this.controls, this.readout);
    this.holder.replaceChildren(this.stage, side);
  }

  choose(i) {
    this.chosen = i;
    this.now = this.segments[i];
    this.view = { begin: 0, end: 1 };
    this.at = -1;
    this.draw();
    this.idleText();
  }

  // The parts of the picture: outputs, distance from the start, a row for each layer.
  layout(width, height) {
    const { LEFT, GAP } = lens.PathView;
    const free = height - 3 * GAP - 34;
    const rows = Math.min(28 * this.layers.length, 0.45 * free);
    const outputs = { top: GAP, height: (free - rows) * 0.68 };
    const distance = { top: outputs.top + outputs.height + GAP, height: (free - rows) * 0.32 };
    const ticks = { top: distance.top + distance.height + GAP, height: rows };
    return { left: LEFT, right: width - 10, outputs, distance, ticks };
  }

  x(t) {
    const { left, right } = this.parts;
    return left + ((t - this.view.begin) / (this.view.end - this.view.begin)) * (right - left);
  }

  tAt(x) {
    const { left, right } = this.parts;
    return this.view.begin + ((x - left) / (right - left)) * (this.view.end - this.view.begin);
  }

  draw() {
    const { context, width, height } = lens.fit(this.canvas);
    this.parts = this.layout(width, height);
    context.font = "12px system-ui, sans-serif";
    context.fillStyle = context.strokeStyle = lens.colour("--ink");
    this.frame(context);
    context.save();
    context.beginPath();
    context.rect(this.parts.left, 0, this.parts.right - this.parts.left, height);
    context.clip();
    this.drawOutputs(context);
    this.drawDistance(context);
    this.drawTicks(context);
    this.drawPointed(context);
    context.restore();
  }

  frame(context) {
    const { left, right, outputs, distance, ticks } = this.parts;
    context.textAlign = "right";
    context.textBaseline = "middle";
    this.axis(context, outputs, "output", this.outputRange());
    this.axis(context, distance, "Hamming", [0, Math.max(1, ...this.extremes(this.now.fromStart))]);
    const row = ticks.height / this.layers.length;
    const skip = Math.ceil(13 / row);
    this.layers.forEach((layer, i) => {
      if (i % skip) return;
      context.fillText(this.short(context, layer.name, left - 14), left - 8, ticks.top + (i + 0.5) * row);
    });
    context.textBaseline = "top";
    const bottom = ticks.top + ticks.height;
    for (let i = 0; i <= 4; i++) {
      const t = this.view.begin + (i / 4) * (this.view.end - this.view.begin);
      context.textAlign = ["left", "center", "center", "center", "right"][i];
      context.fillText(lens.number(t, 6), left + (i / 4) * (right - left), bottom + 4);
    }
    context.textAlign = "center";
    context.fillText("t along the segment", (left + right) / 2, bottom + 20);
  }

  axis(context, part, name, [low, high]) {
    const { left, right } = this.parts;
    context.fillText(lens.number(high, 3), left - 8, part.top + 6);
    context.fillText(name, left - 8, part.top + part.height / 2);
    context.fillText(lens.number(low, 3), left - 8, part.top + part.height - 6);
    context.fillStyle = lens.colour("--sunk");
    context.fillRect(left, part.top, right - left, part.height);
    context.fillStyle = lens.colour("--ink");
  }

  // Cut a name off on the left, where module paths are alike.
  short(context, name, width) {
    if (context.measureText(name).width <= width) return name;
    let text = name;
    while (text.length > 1 && context.measureText(`\u2026${text}`).width > width) text = text.slice(1);
    return `\u2026${text}`;
  }

  extremes(values) {
    let [low, high] = [Infinity, -Infinity];
    for (const value of values) [low, high] = [Math.min(low, value), Math.max(high, value)];
    return values.length ? [low, high] : [0, 0];
  }

  outputRange() {
    const [low, high] = this.extremes(this.now.values);
    return high > low ? [low, high] : [low - 1, high + 1];
  }

  drawOutputs(context) {
    const { knots, values, outputs } = this.now;
    const { top, height } = this.parts.outputs;
    const [low, high] = this.outputRange();
    const y = (value) => top + 3 + (1 - (value - low) / (high - low)) * (height - 6);
    const strong = this.endOutputs();
    context.lineWidth = 1;
    outputs.forEach((_, j) => {
      const k = strong.indexOf(j);
      context.strokeStyle = k < 0 ? lens.colour("--light") : lens.colour(`--cycle-${k}`);
      context.lineWidth = k < 0 ? 1 : 2;
      context.setLineDash(k === 1 ? [7, 4] : []);
      context.beginPath();
      for (let i = 0; i < knots.length; i++) context.lineTo(this.x(knots[i]), y(values[i * outputs.length + j]));
      context.stroke();
    });
    context.setLineDash([]);
    this.drawNames(context, strong, top);
  }

  // The outputs that are largest at the two ends.
  endOutputs() {
    const { knots, values, outputs } = this.now;
    const width = outputs.length;
    const largest = (row) => {
      const part = Array.from(values.subarray(row * width, (row + 1) * width));
      return part.indexOf(Math.max(...part));
    };
    return [...new Set([largest(0), largest(knots.length - 1)])];
  }

  drawNames(context, strong, top) {
    if (this.now.allOutputs === 1) return;
    context.textBaseline = "top";
    context.textAlign = "left";
    let x = this.parts.left + 8;
    strong.forEach((j, k) => {
      const text = `output ${this.now.outputs[j]}`;
      context.strokeStyle = lens.colour("--sunk");
      context.lineWidth = 4;
      context.strokeText(text, x, top + 6);
      context.fillStyle = lens.colour(`--cycle-${k}`);
      context.fillText(text, x, top + 6);
      x += context.measureText(text).width + 14;
    });
  }

  drawDistance(context) {
    const { t, fromStart } = this.now;
    const { top, height } = this.parts.distance;
    const most = Math.max(1, ...this.extremes(fromStart));
    const y = (value) => top + 2 + (1 - value / most) * (height - 4);
    context.strokeStyle = lens.colour("--ink");
    context.lineWidth = 1.5;
    context.beginPath();
    context.moveTo(this.x(0), y(0));
    let last = 0;
    for (let i = 0; i < t.length; i++) {
      context.lineTo(this.x(t[i]), y(last));
      last = fromStart[i];
      context.lineTo(this.x(t[i]), y(last));
    }
    context.lineTo(this.x(1), y(last));
    context.stroke();
  }

  drawTicks(context) {
    const { t, layer, direction } = this.now;
    const { left, right, ticks } = this.parts;
    const row = ticks.height / this.layers.length;
    const colours = lens.layerColours(this.layers.length);
    this.layers.forEach((_, i) => {
      const middle = ticks.top + (i + 0.5) * row;
      context.lineWidth = 1;
      context.strokeStyle = lens.colour("--pale");
      context.beginPath();
      context.moveTo(left, middle);
      context.lineTo(right, middle);
      context.stroke();
      context.strokeStyle = colours[i];
      context.beginPath();
      for (let k = 0; k < t.length; k++) {
        if (layer[k] !== i) continue;
        context.moveTo(this.x(t[k]), middle);
        context.lineTo(this.x(t[k]), middle - direction[k] * row * 0.42);
      }
      context.stroke();
    });
  }

  drawPointed(context) {
    if (this.at < 0) return;
    const { t, layer, direction } = this.now;
    const { outputs, ticks } = this.parts;
    const x = this.x(t[this.at]);
    const row = ticks.height / this.layers.length;
    const middle = ticks.top + (layer[this.at] + 0.5) * row;
    context.strokeStyle = lens.colour("--ink");
    context.lineWidth = 1;
    context.setLineDash([3, 3]);
    context.beginPath();
    context.moveTo(x, outputs.top);
    context.lineTo(x, ticks.top + ticks.height);
    context.stroke();
    context.setLineDash([]);
    context.lineWidth = 3.5;
    context.beginPath();
    context.moveTo(x, middle);
    context.lineTo(x, middle - direction[this.at] * row * 0.42);
    context.stroke();
  }

  zoom(factor, share) {
    const size = Math.min(1, Math.max(1e-9, (this.view.end - this.view.begin) / factor));
    const middle = this.view.begin + share * (this.view.end - this.view.begin);
    const begin = Math.max(0, Math.min(1 - size, middle - share * size));
    this.view = { begin, end: begin + size };
    this.draw();
  }

  listen() {
    const { canvas } = this;
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      this.drag = { x: event.offsetX, view: { ...this.view } };
    });
    for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => (this.drag = null));
    canvas.addEventListener("pointermove", (event) => this.pointerMoved(event));
    canvas.addEventListener("pointerleave", () => this.pick(-1));
    canvas.addEventListener("blur", () => this.pick(-1));
    canvas.addEventListener("dblclick", () => this.choose(this.chosen));
    canvas.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    canvas.addEventListener("keydown", (event) => this.key(event));
  }

  wheel(event) {
    if (document.activeElement !== this.canvas && !event.ctrlKey) return;
    event.preventDefault();
    const { left, right } = this.parts;
    this.zoom(Math.exp(-event.deltaY / 300), (event.offsetX - left) / (right - left));
  }

  pointerMoved(event) {
    if (this.drag) {
      const { left, right } = this.parts;
      const size = this.drag.view.end - this.drag.view.begin;
      const moved = ((this.drag.x - event.offsetX) / (right - left)) * size;
      const begin = Math.max(0, Math.min(1 - size, this.drag.view.begin + moved));
      this.view = { begin, end: begin + size };
      this.draw();
      return;
    }
    this.pick(this.nearest(event.offsetX, event.offsetY));
  }

  // Return the crossing nearest to a place: in the layer pointed at, or of all above the rows.
  nearest(x, y) {
    const { ticks } = this.parts;
    const wanted = Math.floor((y - ticks.top) / (ticks.height / this.layers.length));
    let [best, least] = [-1, 8];
    this.now.t.forEach((t, i) => {
      if (wanted >= 0 && this.now.layer[i] !== wanted) return;
      const far = Math.abs(this.x(t) - x);
      if (far < least) [best, least] = [i, far];
    });
    return best;
  }

  key(event) {
    const n = this.now.t.length;
    const last = n - 1;
    const next = {
      ArrowRight: Math.min(last, this.at + 1),
      ArrowLeft: this.at < 0 ? last : Math.max(0, this.at - 1),
      Home: Math.min(0, last),
      End: last,
    };
    if (event.key in next) this.pick(next[event.key], true);
    else if (event.key === "+" || event.key === "=") this.zoom(1.6, 0.5);
    else if (event.key === "-") this.zoom(1 / 1.6, 0.5);
    else if (event.key === "0") this.choose(this.chosen);
    else return;
    event.preventDefault();
  }

  pick(i, follow = false) {
    this.at = i;
    if (follow && i >= 0) {
      const [t, size] = [this.now.t[i], this.view.end - this.view.begin];
      if (t < this.view.begin || t > this.view.end) {
        const begin = Math.max(0, Math.min(1 - size, t - size / 2));
        this.view = { begin, end: begin + size };
      }
    }
    this.draw();
    if (i < 0) this.idleText();
    else this.tell(i);
  }

  idleText() {
    const { t, length } = this.now;
    lens.say(this.readout, `${t.length.toLocaleString("en")} crossings`, [
      ["length", lens.number(length)],
      ["mouse", "point at a tick; drag to move, click and turn the wheel to zoom"],
      ["keys", "\u2190 \u2192 go from crossing to crossing, + \u2212 zoom, 0 shows all"],
    ]);
  }

  tell(i) {
    const { t, layer, unit, direction, fromStart } = this.now;
    const rows = [
      ["t", lens.number(t[i], 10)],
      ["layer", this.layers[layer[i]].name],
      ["unit", String(unit[i])],
      ["direction", direction[i] > 0 ? "off \u2192 on" : "on \u2192 off"],
      ["Hamming from start", String(fromStart[i])],
    ];
    this.tellOutputs(rows, t[i]);
    lens.say(this.readout, `Crossing ${i + 1} of ${t.length}`, rows);
  }

  tellOutputs(rows, t) {
    const { knots, values, outputs, allOutputs } = this.now;
    let [low, high] = [0, knots.length - 1];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (knots[middle] <= t) low = middle;
      else high = middle;
    }
    const share = (t - knots[low]) / (knots[high] - knots[low] || 1);
    const at = outputs.map((_, j) => {
      const [a, b] = [values[low * outputs.length + j], values[high * outputs.length + j]];
      return a + share * (b - a);
    });
    const order = at.map((_, j) => j).sort((a, b) => at[b] - at[a]).slice(0, 3);
    const text = order.map((j) => `${outputs[j]}: ${lens.number(at[j], 4)}`).join(", ");
    rows.push(allOutputs === 1 ? ["output", lens.number(at[0])] : ["outputs", text]);
  }
};

lens.viewers.path = async (holder, data) => {
  const segments = await Promise.all(data.segments.map(lens.unpackAll));
  return new lens.PathView(holder, { ...data, segments });
};
