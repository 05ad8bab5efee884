// The slice viewer: polygons on a canvas, a canvas over it for what is pointed at, and a readout.
"use strict";

lens.SliceView = class {
  static MOST_ZOOM = 20000;
  static NEAR = 5; // pixels from an edge within which it is pointed at
  static TONES = 24;
  static A_PATH = 16; // polygons filled at a time: measured, filling 1,000 a path takes 5 to 12 times as long

  constructor(holder, data) {
    this.holder = holder;
    this.shape = new lens.SliceGeometry(data);
    this.view = { x: 0, y: 0, k: 1 };
    this.fill = data.outputs.length > 1 ? "largest" : "code";
    this.shown = data.layers.map(() => true);
    this.cost = 0;
    this.buildPage();
    this.groupEdges();
    this.regroup();
    this.listen();
    lens.watch(this.stage, () => this.draw());
    this.draw();
    this.idleText();
  }

  buildPage() {
    const { shape } = this;
    const [u0, u1, v0, v1] = shape.extent;
    const ratio = Math.max(0.6, Math.min(1.6, (u1 - u0) / (v1 - v0)));
    this.base = lens.element("canvas");
    this.over = lens.element("canvas", {
      tabindex: "0", role: "application", "aria-label":
        `Slice of ${shape.count} polygons. Arrow keys move a pointer, with shift by a pixel; ` +
        "plus and minus zoom, 0 shows all.",
    });
    this.stage = lens.element("div", { class: "stage", style: `aspect-ratio:${ratio}` }, this.base, this.over);
    this.readout = lens.element("div", { class: "readout", role: "status", "aria-live": "polite" });
    this.controls = lens.element("div", { class: "controls" });
    this.legend = lens.element("div", { class: "layers" });
    this.buildControls();
    const side = lens.element("div", { class: "side" }, this.controls, this.legend, this.readout);
    this.holder.replaceChildren(this.stage, side);
  }

  buildControls() {
    const choices = [["code", "code"], ["active", "active units"], ["area", "area"]];
    if (this.shape.outputs.length > 1) choices.unshift(["largest", "largest output"]);
    else choices.push(["output", "output"]);
    const select = lens.element("select", {}, ...choices.map(([value, text]) =>
      lens.element("option", { value }, text)));
    select.value = this.fill;
    select.addEventListener("change", () => {
      this.fill = select.value;
      this.regroup();
      this.draw();
    });
    this.controls.append(lens.element("label", {}, "Colour ", select));
    lens.buttons(this.controls, [
      ["Zoom in", "+", () => this.zoom(1.6, 0.5, 0.5)],
      ["Zoom out", "\u2212", () => this.zoom(1 / 1.6, 0.5, 0.5)],
      ["Show all", "all", () => this.showAll()],
    ]);
    this.swatches = this.shape.layers.map((layer, i) => {
      const box = lens.element("input", { type: "checkbox" });
      box.checked = true;
      box.addEventListener("change", () => {
        this.shown[i] = box.checked;
        this.draw();
      });
      const swatch = lens.element("span", { class: "swatch" });
      this.legend.append(lens.element("label", {}, box, swatch, layer.name));
      return swatch;
    });
  }

  // Edges in the order of their layers, the border first, so that each colour is one path.
  groupEdges() {
    const { edgeLayer, layers } = this.shape;
    this.edgeStarts = new Uint32Array(layers.length + 2);
    for (const layer of edgeLayer) this.edgeStarts[layer + 1]++;
    for (let i = 1; i < this.edgeStarts.length; i++) this.edgeStarts[i] += this.edgeStarts[i - 1];
    const next = this.edgeStarts.slice();
    this.edgeOrder = new Uint32Array(edgeLayer.length);
    edgeLayer.forEach((layer, e) => (this.edgeOrder[next[layer]++] = e));
  }

  // Polygons in the order of their colours.
  regroup() {
    const tones = this.tones();
    const groups = Array.from({ length: this.colours }, () => []);
    tones.forEach((tone, f) => groups[tone].push(f));
    this.groups = groups;
  }

  // Return a tone for each polygon, from 0 to this.colours - 1.
  tones() {
    const { shape } = this;
    const faces = Array.from({ length: shape.count }, (_, f) => f);
    if (this.fill === "largest") {
      this.colours = shape.width;
      return faces.map((f) => {
        const values = shape.outputsAt(f, ...shape.middle(f));
        return values.indexOf(Math.max(...values));
      });
    }
    this.colours = lens.SliceView.TONES;
    if (this.fill === "code") return faces.map((f) => (Math.imul(f + 1, 2654435761) >>> 8) % this.colours);
    const values = faces.map(this.measure());
    const [low, high] = values.reduce(([a, b], x) => [Math.min(a, x), Math.max(b, x)], [Infinity, -Infinity]);
    const scale = high > low ? (this.colours - 1) / (high - low) : 0;
    return values.map((value) => Math.round((value - low) * scale));
  }

  measure() {
    const { shape } = this;
    if (this.fill === "area") return (f) => Math.log(Math.max(shape.areas[f], 1e-30));
    if (this.fill === "output") return (f) => shape.outputsAt(f, ...shape.middle(f))[0];
    const counts = shape.activeCounts();
    return (f) => counts[f];
  }

  paint(tone) {
    const dark = lens.colour("--dark") === "1";
    if (this.fill === "largest") {
      const hue = (tone * 360) / Math.max(this.colours, 1) + 210;
      return `hsl(${hue} ${dark ? "45% 30%" : "65% 84%"})`;
    }
    if (this.fill === "code") {
      const hue = (tone * 137.5) % 360;
      return `hsl(${hue} ${dark ? "22%" : "40%"} ${(dark ? 17 : 88) + (tone % 4) * (dark ? 3 : 2.4)}%)`;
    }
    const share = tone / (this.colours - 1);
    return dark ? `hsl(205 ${30 + 40 * share}% ${14 + 46 * share}%)` : `hsl(205 ${35 + 35 * share}% ${97 - 55 * share}%)`;
  }

  // Draw all polygons and edges at the present view.
  draw() {
    const began = performance.now();
    const { context, width, height } = lens.fit(this.base);
    this.size = { width, height };
    this.base.style.transform = "";
    this.drawn = { ...this.view };
    this.project();
    this.fillPolygons(context);
    this.strokeEdges(context);
    this.markPoints(context);
    this.cost = performance.now() - began;
    this.drawOver();
  }

  // Put the vertices on the screen.
  project() {
    const { vertices } = this.shape;
    const { x, y, k } = this.view;
    const { width, height } = this.size;
    if (!this.screen) this.screen = new Float32Array(vertices.length);
    for (let i = 0; i < vertices.length; i += 2) {
      this.screen[i] = (vertices[i] - x) * k * width;
      this.screen[i + 1] = height - (vertices[i + 1] - y) * k * height;
    }
  }

  fillPolygons(context) {
    this.groups.forEach((faces, tone) => {
      context.fillStyle = this.paint(tone);
      for (let begin = 0; begin < faces.length; begin += lens.SliceView.A_PATH) {
        context.beginPath();
        for (const f of faces.slice(begin, begin + lens.SliceView.A_PATH)) this.trace(context, f);
        context.fill();
      }
    });
  }

  // Add a polygon to the path, unless it is out of sight; one smaller than a pixel as a pixel.
  trace(context, f) {
    const { offsets, corners } = this.shape;
    let [left, right, top, bottom] = [Infinity, -Infinity, Infinity, -Infinity];
    for (let i = offsets[f]; i < offsets[f + 1]; i++) {
      const [x, y] = [this.screen[2 * corners[i]], this.screen[2 * corners[i] + 1]];
      if (x < left) left = x;
      if (x > right) right = x;
      if (y < top) top = y;
      if (y > bottom) bottom = y;
    }
    if (right < 0 || bottom < 0 || left > this.size.width || top > this.size.height) return;
    if (right - left < 1 && bottom - top < 1) {
      context.rect(left, top, 1, 1);
      return;
    }
    for (let i = offsets[f]; i < offsets[f + 1]; i++) {
      const [x, y] = [this.screen[2 * corners[i]], this.screen[2 * corners[i] + 1]];
      if (i === offsets[f]) context.moveTo(x, y);
      else context.lineTo(x, y);
    }
    context.closePath();
  }

  strokeEdges(context) {
    const colours = lens.layerColours(this.shape.layers.length);
    this.swatches.forEach((swatch, i) => (swatch.style.background = colours[i]));
    const dense = this.shape.count / this.view.k ** 2 / (this.size.width * this.size.height);
    context.lineWidth = Math.max(0.35, Math.min(1.3, 0.06 / Math.sqrt(dense)));
    for (let layer = colours.length; layer >= 1; layer--) {
      if (!this.shown[layer - 1]) continue;
      context.strokeStyle = colours[layer - 1];
      const [begin, end] = [this.edgeStarts[layer], this.edgeStarts[layer + 1]];
      for (let k = begin; k < end; k += 2000) {
        context.beginPath();
        for (let i = k; i < Math.min(end, k + 2000); i++) this.traceEdge(context, this.edgeOrder[i]);
        context.stroke();
      }
    }
  }

  traceEdge(context, edge) {
    const [a, b] = [2 * this.shape.edges[2 * edge], 2 * this.shape.edges[2 * edge + 1]];
    const s = this.screen;
    const { width, height } = this.size;
    if ((s[a] < 0 && s[b] < 0) || (s[a] > width && s[b] > width)) return;
    if ((s[a + 1] < 0 && s[b + 1] < 0) || (s[a + 1] > height && s[b + 1] > height)) return;
    context.moveTo(s[a], s[a + 1]);
    context.lineTo(s[b], s[b + 1]);
  }

  // Mark the points that the plane goes through.
  markPoints(context) {
    const [u0, u1, v0, v1] = this.shape.extent;
    context.font = "600 12px system-ui, sans-serif";
    context.lineWidth = 3;
    [[0, 0], [1, 0], [0, 1]].forEach(([u, v], i) => {
      const [x, y] = this.toScreen((u - u0) / (u1 - u0), (v - v0) / (v1 - v0));
      context.strokeStyle = lens.colour("--card");
      context.fillStyle = lens.colour("--ink");
      context.beginPath();
      context.arc(x, y, 4, 0, 2 * Math.PI);
      context.stroke();
      context.fill();
      context.strokeText(`p${i}`, x + 7, y - 6);
      context.fillText(`p${i}`, x + 7, y - 6);
    });
  }

  // Outline what is pointed at; where the keyboard points, a cross.
  drawOver() {
    const { context } = lens.fit(this.over);
    const { face, edge, point, byKeys } = this.pointed || { face: -1, edge: -1 };
    this.place();
    context.strokeStyle = lens.colour("--ink");
    if (face >= 0) {
      context.lineWidth = 2;
      context.beginPath();
      this.trace(context, face);
      context.stroke();
    }
    if (edge >= 0) {
      context.lineWidth = 4;
      context.strokeStyle = lens.layerColours(this.shape.layers.length)[this.shape.edgeLayer[edge] - 1];
      context.beginPath();
      this.traceEdge(context, edge);
      context.stroke();
    }
    if (byKeys) this.cross(context, ...point);
  }

  cross(context, x, y) {
    const [px, py] = this.toScreen(x, y);
    context.strokeStyle = lens.colour("--ink");
    context.lineWidth = 1.5;
    context.beginPath();
    context.moveTo(px - 9, py);
    context.lineTo(px + 9, py);
    context.moveTo(px, py - 9);
    context.lineTo(px, py + 9);
    context.stroke();
  }

  toScreen(x, y) {
    const { width, height } = this.size;
    return [(x - this.view.x) * this.view.k * width, height - (y - this.view.y) * this.view.k * height];
  }

  toShare(px, py) {
    const { width, height } = this.size;
    return [this.view.x + px / width / this.view.k, this.view.y + (1 - py / height) / this.view.k];
  }

  // Move the view: redraw at once where that is quick, else move the picture and redraw when idle.
  moved() {
    const most = 1 - 1 / this.view.k;
    this.view.x = Math.max(0, Math.min(most, this.view.x));
    this.view.y = Math.max(0, Math.min(most, this.view.y));
    clearTimeout(this.idle);
    if (this.cost < 25) {
      cancelAnimationFrame(this.frame);
      this.frame = requestAnimationFrame(() => this.draw());
      return;
    }
    this.place();
    this.idle = setTimeout(() => this.draw(), 120);
  }

  // Show the picture last drawn where the present view has it.
  place() {
    const [now, then, size] = [this.view, this.drawn, this.size];
    const scale = now.k / then.k;
    if (scale === 1 && now.x === then.x && now.y === then.y) {
      this.base.style.transform = "";
      return;
    }
    const left = (then.x - now.x) * now.k * size.width;
    const top = size.height - (then.y + 1 / then.k - now.y) * now.k * size.height;
    this.base.style.transformOrigin = "0 0";
    this.base.style.transform = `translate(${left}px, ${top}px) scale(${scale})`;
  }

  // Zoom around a place, given as shares of the picture from its lower left corner.
  zoom(factor, atX, atY) {
    const k = Math.max(1, Math.min(lens.SliceView.MOST_ZOOM, this.view.k * factor));
    this.view.x += atX * (1 / this.view.k - 1 / k);
    this.view.y += atY * (1 / this.view.k - 1 / k);
    this.view.k = k;
    this.moved();
  }

  showAll() {
    this.view = { x: 0, y: 0, k: 1 };
    this.moved();
  }

  listen() {
    const { over } = this;
    over.addEventListener("pointermove", (event) => this.pointerMoved(event));
    over.addEventListener("pointerdown", (event) => {
      over.setPointerCapture(event.pointerId);
      this.drag = { x: event.offsetX, y: event.offsetY, view: { ...this.view } };
    });
    for (const end of ["pointerup", "pointercancel"]) over.addEventListener(end, () => (this.drag = null));
    over.addEventListener("pointerleave", () => this.point(-1, -1));
    over.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    over.addEventListener("dblclick", () => this.showAll());
    over.addEventListener("keydown", (event) => this.key(event));
    over.addEventListener("blur", () => this.point(-1, -1));
  }

  // The wheel zooms once the viewer has the focus, or with ctrl; else the page scrolls.
  wheel(event) {
    if (document.activeElement !== this.over && !event.ctrlKey) return;
    event.preventDefault();
    const { width, height } = this.size;
    this.zoom(Math.exp(-event.deltaY / 300), event.offsetX / width, 1 - event.offsetY / height);
  }

  pointerMoved(event) {
    if (this.drag) {
      const { width, height } = this.size;
      this.view.x = this.drag.view.x - (event.offsetX - this.drag.x) / width / this.view.k;
      this.view.y = this.drag.view.y + (event.offsetY - this.drag.y) / height / this.view.k;
      this.moved();
      return;
    }
    this.point(...this.toShare(event.offsetX, event.offsetY));
  }

  key(event) {
    const step = event.shiftKey ? 1 : 12;
    const moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
    if (event.key in moves) {
      const at = this.pointed ? this.toScreen(...this.pointed.point) : [this.size.width / 2, this.size.height / 2];
      const [x, y] = this.toShare(at[0] + moves[event.key][0], at[1] + moves[event.key][1]);
      this.point(Math.max(0, Math.min(1, x)), Math.max(0, Math.min(1, y)), true);
    } else if (event.key === "+" || event.key === "=") this.zoom(1.6, 0.5, 0.5);
    else if (event.key === "-") this.zoom(1 / 1.6, 0.5, 0.5);
    else if (event.key === "0") this.showAll();
    else return;
    event.preventDefault();
  }

  // Point at a place, in shares of the window.
  point(x, y, byKeys = false) {
    const { shape } = this;
    const face = shape.locate(x, y);
    if (face < 0) {
      this.pointed = null;
      this.drawOver();
      this.idleText();
      return;
    }
    const { k } = this.view;
    const near = shape.nearestEdge(face, x, y, k * this.size.width, k * this.size.height);
    const edge = near.distance <= lens.SliceView.NEAR ? near.edge : -1;
    this.pointed = { face, edge, point: [x, y], byKeys };
    this.drawOver();
    this.tell();
  }

  idleText() {
    const { shape } = this;
    lens.say(this.readout, `${shape.count.toLocaleString("en")} polygons`, [
      ["mouse", "point at a polygon or an edge; drag to move, click and turn the wheel to zoom"],
      ["keys", "arrows point (shift: finely), + \u2212 zoom, 0 shows all"],
    ]);
  }

  tell() {
    const { shape } = this;
    const { face, edge, point } = this.pointed;
    const [u0, u1, v0, v1] = shape.extent;
    const [u, v] = [u0 + point[0] * (u1 - u0), v0 + point[1] * (v1 - v0)];
    const rows = [["at (u, v)", `(${lens.number(u)}, ${lens.number(v)})`], ["area", lens.number(shape.areas[face])]];
    if (edge >= 0) {
      const layer = shape.layers[shape.edgeLayer[edge] - 1].name;
      rows.unshift(["edge", `layer ${layer}, unit ${shape.edgeUnit[edge]}`, "edge"]);
    }
    this.tellOutputs(rows, shape.outputsAt(face, ...point));
    const words = shape.code(face);
    shape.layers.forEach((layer, i) => {
      const { active, hex } = shape.layerCode(words, i);
      rows.push([`layer ${layer.name}`, `${active} of ${layer.bits} active`]);
      rows.push(["", hex, "code"]);
    });
    lens.say(this.readout, `Polygon ${face}`, rows);
  }

  tellOutputs(rows, values) {
    const { outputs, allOutputs } = this.shape;
    if (outputs.length === 1) {
      rows.push(["output", lens.number(values[0])]);
      return;
    }
    const order = values.map((_, j) => j).sort((a, b) => values[b] - values[a]).slice(0, 3);
    const shown = outputs.length < allOutputs ? `, of ${outputs.length} kept` : "";
    rows.push([`outputs${shown}`, order.map((j) => `${outputs[j]}: ${lens.number(values[j], 4)}`).join(", ")]);
  }
};

lens.viewers.slice = async (holder, data) => new lens.SliceView(holder, await lens.unpackAll(data));
