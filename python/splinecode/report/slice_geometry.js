// The polygons of a slice: which one a point lies in, its nearest side, its code and its output.
"use strict";

// x and y are shares of the window. Polygons are convex, counter-clockwise.
lens.SliceGeometry = class {
  constructor(data) {
    Object.assign(this, data);
    this.count = this.offsets.length - 1;
    this.width = this.outputs.length;
    this.words = [0];
    for (const layer of this.layers) {
      this.words.push(this.words[this.words.length - 1] + 2 * Math.ceil(layer.bits / 64));
    }
    this.edges = new Uint32Array(2 * this.edgeLayer.length);
    this.findEdges();
    this.rows = Math.max(1, Math.min(1024, Math.ceil(Math.sqrt(this.count))));
    this.buildIndex();
  }

  // Edges go from the corner that names them to the next one.
  findEdges() {
    for (let f = 0; f < this.count; f++) {
      for (let i = this.offsets[f]; i < this.offsets[f + 1]; i++) {
        this.edges[2 * this.sides[i]] = this.corners[i];
        this.edges[2 * this.sides[i] + 1] = this.corners[this.after(f, i)];
      }
    }
  }

  after(f, i) {
    return i + 1 < this.offsets[f + 1] ? i + 1 : this.offsets[f];
  }

  // A grid of cells; each lists the polygons that its square may touch.
  buildIndex() {
    const starts = new Uint32Array(this.rows * this.rows + 1);
    for (let f = 0; f < this.count; f++) this.cellsOf(f, (cell) => starts[cell + 1]++);
    for (let i = 1; i < starts.length; i++) starts[i] += starts[i - 1];
    const filled = starts.slice();
    const listed = new Uint32Array(starts[starts.length - 1]);
    for (let f = 0; f < this.count; f++) this.cellsOf(f, (cell) => (listed[filled[cell]++] = f));
    this.cellStarts = starts;
    this.listed = listed;
  }

  cell(share) {
    return Math.max(0, Math.min(this.rows - 1, Math.floor(share * this.rows)));
  }

  // Visit the cells that a polygon touches: in each row of cells, from its left to its right end.
  cellsOf(f, visit) {
    const bounds = new Map();
    for (let i = this.offsets[f]; i < this.offsets[f + 1]; i++) {
      this.spanSide(this.corners[i], this.corners[this.after(f, i)], bounds);
    }
    for (const [row, [low, high]] of bounds) {
      for (let column = this.cell(low); column <= this.cell(high); column++) {
        visit(row * this.rows + column);
      }
    }
  }

  spanSide(a, b, bounds) {
    const v = this.vertices;
    if (v[2 * a + 1] > v[2 * b + 1]) [a, b] = [b, a];
    const [ax, ay, bx, by] = [v[2 * a], v[2 * a + 1], v[2 * b], v[2 * b + 1]];
    const slope = by > ay ? (bx - ax) / (by - ay) : 0;
    for (let row = this.cell(ay); row <= this.cell(by); row++) {
      const low = Math.min(Math.max(row / this.rows, ay), by);
      const high = Math.max(Math.min((row + 1) / this.rows, by), ay);
      const ends = slope ? [ax + slope * (low - ay), ax + slope * (high - ay)] : [ax, bx];
      const known = bounds.get(row) || [Infinity, -Infinity];
      bounds.set(row, [Math.min(known[0], ...ends), Math.max(known[1], ...ends)]);
    }
  }

  // Return the polygon of a point: the one that it is least outside of, -1 off the window.
  locate(x, y) {
    if (!(x >= 0 && x <= 1 && y >= 0 && y <= 1)) return -1;
    const cell = this.cell(y) * this.rows + this.cell(x);
    let best = -1;
    let least = -Infinity;
    for (let k = this.cellStarts[cell]; k < this.cellStarts[cell + 1]; k++) {
      const inside = this.depth(this.listed[k], x, y);
      if (inside > least) [best, least] = [this.listed[k], inside];
      if (inside > 0) break;
    }
    return best;
  }

  // Distance of a point to the nearest side's line; negative outside.
  depth(f, x, y) {
    let least = Infinity;
    for (let i = this.offsets[f]; i < this.offsets[f + 1]; i++) {
      least = Math.min(least, this.left(this.corners[i], this.corners[this.after(f, i)], x, y));
    }
    return least;
  }

  left(a, b, x, y) {
    const v = this.vertices;
    const [dx, dy] = [v[2 * b] - v[2 * a], v[2 * b + 1] - v[2 * a + 1]];
    const length = Math.hypot(dx, dy);
    return length ? (dx * (y - v[2 * a + 1]) - dy * (x - v[2 * a])) / length : Infinity;
  }

  // Return the inner edge of polygon f nearest to a point, {edge, distance}, in units of a scale.
  nearestEdge(f, x, y, scaleX, scaleY) {
    let found = { edge: -1, distance: Infinity };
    for (let i = this.offsets[f]; i < this.offsets[f + 1]; i++) {
      const edge = this.sides[i];
      if (!this.edgeLayer[edge]) continue;
      const distance = this.distance(edge, x, y, scaleX, scaleY);
      if (distance < found.distance) found = { edge, distance };
    }
    return found;
  }

  distance(edge, x, y, scaleX, scaleY) {
    const [a, b] = [this.edges[2 * edge], this.edges[2 * edge + 1]];
    const v = this.vertices;
    const [px, py] = [(x - v[2 * a]) * scaleX, (y - v[2 * a + 1]) * scaleY];
    const [dx, dy] = [(v[2 * b] - v[2 * a]) * scaleX, (v[2 * b + 1] - v[2 * a + 1]) * scaleY];
    const along = Math.max(0, Math.min(1, (px * dx + py * dy) / (dx * dx + dy * dy || 1)));
    return Math.hypot(px - along * dx, py - along * dy);
  }

  // Return the words of a polygon's code, 32 bits each: flip the bits on the way to polygon 0.
  code(f) {
    const words = new Uint32Array(this.words[this.words.length - 1]);
    for (;;) {
      for (let k = this.flipOffsets[f]; k < this.flipOffsets[f + 1]; k++) {
        words[this.flips[k] >>> 5] ^= 1 << (this.flips[k] & 31);
      }
      if (f === 0) return words;
      f = this.parent[f];
    }
  }

  // Return a layer's part of a code: active units, and the code as a number in hex.
  layerCode(words, layer) {
    const part = words.slice(this.words[layer], this.words[layer + 1]);
    let active = 0;
    for (let word of part) for (; word; word &= word - 1) active++;
    const digits = Math.ceil(this.layers[layer].bits / 4);
    const hex = Array.from(part, (word) => word.toString(16).padStart(8, "0")).reverse().join("");
    return { active, hex: hex.slice(hex.length - digits) };
  }

  // Active units of every polygon, over all layers: each from its parent's, whose bits are known.
  activeCounts() {
    const children = Array.from({ length: this.count }, () => []);
    for (let f = 1; f < this.count; f++) children[this.parent[f]].push(f);
    const counts = new Uint32Array(this.count);
    const words = new Uint32Array(this.words[this.words.length - 1]);
    const flip = (f) => {
      let change = 0;
      for (let k = this.flipOffsets[f]; k < this.flipOffsets[f + 1]; k++) {
        const bit = 1 << (this.flips[k] & 31);
        words[this.flips[k] >>> 5] ^= bit;
        change += words[this.flips[k] >>> 5] & bit ? 1 : -1;
      }
      return change;
    };
    counts[0] = flip(0);
    const open = children[0].map((f) => [f, false]);
    while (open.length) {
      const [f, done] = open.pop();
      const change = flip(f);
      if (done) continue;
      counts[f] = counts[this.parent[f]] + change;
      open.push([f, true], ...children[f].map((child) => [child, false]));
    }
    return counts;
  }

  // Return the outputs at a point: linear on its polygon, known at the corners.
  outputsAt(f, x, y) {
    const [a, b, c] = this.triangle(f);
    const v = this.vertices;
    const [ax, ay] = [v[2 * a], v[2 * a + 1]];
    const [bx, by, cx, cy] = [v[2 * b] - ax, v[2 * b + 1] - ay, v[2 * c] - ax, v[2 * c + 1] - ay];
    const area = bx * cy - by * cx;
    const beta = area ? ((x - ax) * cy - (y - ay) * cx) / area : 0;
    const gamma = area ? (bx * (y - ay) - by * (x - ax)) / area : 0;
    const at = (p, j) => this.values[p * this.width + j];
    return Array.from({ length: this.width }, (_, j) =>
      at(a, j) + beta * (at(b, j) - at(a, j)) + gamma * (at(c, j) - at(a, j)));
  }

  // Return the corners of the largest triangle in the fan around the first corner.
  triangle(f) {
    const first = this.corners[this.offsets[f]];
    const v = this.vertices;
    let [best, most] = [[first, first, first], -1];
    for (let i = this.offsets[f] + 1; i + 1 < this.offsets[f + 1]; i++) {
      const [b, c] = [this.corners[i], this.corners[i + 1]];
      const area = (v[2 * b] - v[2 * first]) * (v[2 * c + 1] - v[2 * first + 1]) -
        (v[2 * b + 1] - v[2 * first + 1]) * (v[2 * c] - v[2 * first]);
      if (area > most) [best, most] = [[first, b, c], area];
    }
    return best;
  }

  // The mean of a polygon's corners, which lies in it.
  middle(f) {
    let [x, y] = [0, 0];
    const n = this.offsets[f + 1] - this.offsets[f];
    for (let i = this.offsets[f]; i < this.offsets[f + 1]; i++) {
      x += this.vertices[2 * this.corners[i]] / n;
      y += this.vertices[2 * this.corners[i] + 1] / n;
    }
    return [x, y];
  }
};
