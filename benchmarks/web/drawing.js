"use strict";

// Elements, numbers and small charts. Text goes in as text, never as HTML.

/** An HTML element with attributes and children; strings become text. */
function el(name, attributes = {}, ...children) {
  return build(document.createElement(name), attributes, children);
}

/** The same for SVG. */
function svg(name, attributes = {}, ...children) {
  return build(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);
}

function build(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== null && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

const percent = (share, digits = 1) => (100 * share).toFixed(digits);

/** 4 k, 12 M: a number of steps. */
function steps(number) {
  for (const [unit, letter] of [[1e6, " M"], [1e3, " k"]]) {
    if (number >= unit) return `${parseFloat((number / unit).toPrecision(3))}${letter}`;
  }
  return `${parseFloat(number.toPrecision(3))}`;
}

/** 12 s, 3.4 min, 1.2 h. */
function duration(seconds) {
  if (seconds < 60) return `${seconds.toFixed(0)} s`;
  return seconds < 3600 ? `${(seconds / 60).toFixed(1)} min` : `${(seconds / 3600).toFixed(1)} h`;
}

/** Round numbers from at most low to at least high, about `count` of them. */
function ticks(low, high, count) {
  const raw = (high - low) / count || 1, power = 10 ** Math.floor(Math.log10(raw));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= raw * 0.999);
  const first = Math.floor(low / step + 1e-9), last = Math.ceil(high / step - 1e-9);
  return Array.from({ length: last - first + 1 }, (_, k) => (first + k) * step);
}

/** Powers of ten from at most low to at least high. */
function logTicks(low, high) {
  const first = Math.floor(Math.log10(low)), last = Math.ceil(Math.log10(high));
  return Array.from({ length: last - first + 1 }, (_, k) => 10 ** (first + k));
}

/** Colour and dash of every agent, the same in every part of the page. */
const STYLES = 7;
const DASHES = ["", "5 3", "1.5 2.5"];
function styleOf(agents, agent) {
  const place = agents.indexOf(agent);
  return { colour: `var(--series-${place % STYLES})`, dash: DASHES[Math.floor(place / STYLES) % DASHES.length] };
}

/** A short piece of an agent's line. */
function swatch(agents, agent) {
  const { colour, dash } = styleOf(agents, agent);
  const line = svg("line", { x1: 1, x2: 19, y1: 5, y2: 5, "stroke-width": 3, "stroke-dasharray": dash });
  line.style.stroke = colour;
  return svg("svg", { viewBox: "0 0 20 10", width: 20, height: 10, "aria-hidden": "true", class: "swatch" }, line);
}

/**
 * A chart of lines. Series are {agent, text(x, y, note), points: [[x, y, note?]]}; options are title, x and y (names of the
 * axes), xRange, xTicks and yTicks, xText and yText (number to text), log (the x axis) and marks (whether points are drawn).
 * The point nearest to the pointer is read out below the chart.
 */
function chart(agents, series, options) {
  const W = matchMedia("(max-width: 760px)").matches ? 340 : 520, H = 250; // so that text has one size on every screen
  const box = { left: 40, right: W - 14, top: 10, bottom: H - 40 };
  const scale = options.log ? Math.log10 : (value) => value;
  const [x0, x1] = options.xRange.map(scale);
  const [y0, y1] = [options.yTicks[0], options.yTicks.at(-1)];
  const px = (x) => box.left + (scale(x) - x0) / (x1 - x0 || 1) * (box.right - box.left);
  const py = (y) => box.bottom - (y - y0) / (y1 - y0 || 1) * (box.bottom - box.top);
  const drawing = svg("svg", { viewBox: `0 0 ${W} ${H}`, role: "img", "aria-label": `${options.title}: ${options.y} against ${options.x}` });
  for (const y of options.yTicks) {
    drawing.append(svg("line", { x1: box.left, x2: box.right, y1: py(y), y2: py(y), class: "grid" }));
    drawing.append(svg("text", { x: box.left - 6, y: py(y) + 3.5, class: "tick end" }, options.yText(y)));
  }
  for (const x of options.xTicks.filter((tick) => scale(tick) <= x1)) drawing.append(svg("text", { x: px(x), y: box.bottom + 16, class: "tick middle" }, options.xText(x)));
  drawing.append(svg("line", { x1: box.left, x2: box.right, y1: box.bottom, y2: box.bottom, class: "axis" }));
  drawing.append(svg("text", { x: (box.left + box.right) / 2, y: H - 6, class: "tick middle" }, options.x));
  const spots = [];
  for (const one of series) {
    const { colour, dash } = styleOf(agents, one.agent);
    const group = svg("g", { "data-agent": one.agent, class: "series" });
    const path = one.points.map(([x, y], k) => `${k ? "L" : "M"}${px(x).toFixed(1)} ${py(y).toFixed(1)}`).join("");
    group.append(svg("path", { d: path, "stroke-dasharray": dash }));
    group.style.setProperty("--colour", colour);
    for (const [k, [x, y, note]] of one.points.entries()) {
      spots.push({ x: px(x), y: py(y), agent: one.agent, text: one.text(x, y, note) });
      if (options.marks || one.points.length === 1) group.append(svg("circle", { cx: px(x), cy: py(y), r: 3 }));
      const peak = [one.points[k - 1], one.points[k + 1]].every((other) => !other || other[1] < y); // so that lines miss its note
      if (note) group.append(svg("text", { x: px(x), y: py(y) + (peak ? -8 : 16), class: "tick middle" }, note));
    }
    drawing.append(group);
  }
  const pointer = svg("circle", { r: 4.5, class: "pointer", visibility: "hidden" });
  drawing.append(pointer);
  const readout = el("p", { class: "readout" }, " ");
  drawing.addEventListener("pointermove", (event) => {
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(drawing.getScreenCTM().inverse());
    const far = (spot) => Math.hypot(spot.x - at.x, spot.y - at.y);
    const nearest = spots.reduce((best, spot) => (best && far(best) <= far(spot) ? best : spot), null);
    if (!nearest) return;
    build(pointer, { cx: nearest.x, cy: nearest.y, visibility: "visible" }, []);
    pointer.style.stroke = styleOf(agents, nearest.agent).colour;
    readout.textContent = nearest.text;
  });
  drawing.addEventListener("pointerleave", () => {
    pointer.setAttribute("visibility", "hidden");
    readout.textContent = " ";
  });
  return el("figure", { class: "panel" }, el("h3", {}, options.title), drawing, readout);
}
