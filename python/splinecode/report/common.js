// What both viewers share: packed arrays, colours of the theme, numbers as text, small elements.
"use strict";

const lens = {
  viewers: {},
  types: { f32: Float32Array, f64: Float64Array, u8: Uint8Array, u32: Uint32Array, i8: Int8Array },
};

// Return the typed array that packing.py packed.
lens.unpack = async (spec) => {
  const bytes = Uint8Array.from(atob(spec.data), (c) => c.charCodeAt(0));
  const plain = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new lens.types[spec.type](await new Response(plain).arrayBuffer());
};

// Return an object with every packed array in it unpacked.
lens.unpackAll = async (data) => {
  const found = { ...data };
  for (const [key, value] of Object.entries(data)) {
    if (value && value.type in lens.types) found[key] = await lens.unpack(value);
  }
  return found;
};

lens.element = (tag, attributes = {}, ...children) => {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
};

lens.colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// Colours of n layers: Okabe and Ito's where they suffice, else along one ramp.
lens.layerColours = (n) => {
  const cycle = Array.from({ length: 7 }, (_, i) => lens.colour(`--cycle-${i}`));
  if (n <= cycle.length) return cycle.slice(0, n);
  const ramp = Array.from({ length: 5 }, (_, i) => lens.rgb(lens.colour(`--ramp-${i}`)));
  return Array.from({ length: n }, (_, i) => {
    const place = (i / (n - 1)) * (ramp.length - 1);
    const at = Math.min(Math.floor(place), ramp.length - 2);
    const mixed = ramp[at].map((c, j) => Math.round(c + (place - at) * (ramp[at + 1][j] - c)));
    return `rgb(${mixed})`;
  });
};

lens.rgb = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));

lens.number = (value, digits = 5) => String(Number(value.toPrecision(digits)));

// Give a canvas the pixels of its box; return its size in CSS pixels.
lens.fit = (canvas) => {
  const box = canvas.parentElement.getBoundingClientRect();
  const scale = window.devicePixelRatio || 1;
  canvas.width = Math.round(box.width * scale);
  canvas.height = Math.round(box.height * scale);
  const context = canvas.getContext("2d");
  context.setTransform(scale, 0, 0, scale, 0, 0);
  return { context, width: box.width, height: box.height };
};

// Fill a readout with rows of a term and what is to be said of it.
lens.say = (readout, title, rows) => {
  const list = lens.element("dl");
  for (const [term, text, kind] of rows) {
    const value = lens.element("dd", kind ? { class: kind } : {}, text);
    list.append(lens.element("div", {}, lens.element("dt", {}, term), value));
  }
  readout.replaceChildren(lens.element("strong", {}, title), list);
};

lens.buttons = (holder, named) => {
  for (const [label, text, act] of named) {
    const button = lens.element("button", { type: "button", "aria-label": label, title: label }, text);
    button.addEventListener("click", act);
    holder.append(button);
  }
};

// Redraw when the theme or the width changes, and for printing.
lens.watch = (holder, draw) => {
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  matchMedia("print").addEventListener("change", draw);
  new ResizeObserver(draw).observe(holder);
};

lens.start = async () => {
  addEventListener("beforeprint", () => {
    for (const part of document.querySelectorAll("details")) part.open = true;
  });
  for (const holder of document.querySelectorAll("[data-viewer]")) {
    const source = document.getElementById(holder.dataset.source);
    try {
      holder.view = await lens.viewers[holder.dataset.viewer](holder, JSON.parse(source.textContent));
      holder.dataset.ready = "true";
    } catch (error) {
      holder.textContent = `This browser cannot show the viewer (${error.message}).`;
    }
  }
};
