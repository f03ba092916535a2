"use strict";
// One run: a slider through its pictures, and its losses by iteration. The cursor in the chart
// follows the slider; while the pointer is over the chart, it follows the pointer.

const data = JSON.parse(document.getElementById("data").textContent);
const find = id => document.getElementById(id);
const frames = data.frames, curves = data.curves;
const last = Math.max(1, ...curves.flatMap(curve => curve.x));
const hidden = new Set();
let current = frames.length - 1;

// ---------------------------------------------------------------------- the pictures

function go(step) {
  current = Math.max(0, Math.min(frames.length - 1, step));
  const frame = frames[current];
  find("picture").src = frame.src;
  find("step").value = current;
  find("step-label").textContent = frame.label;
  moveCursor(frame.iteration);
}

function wipe(percent) {
  find("over").style.clipPath = `inset(0 ${100 - percent}% 0 0)`;
  find("wipe-label").textContent = percent > 0 ? `${percent} % of the width` : "hidden";
}

// ------------------------------------------------------------------------- the chart

const HEIGHT = 320, LEFT = 52, RIGHT = 12, TOP = 18, BOTTOM = 34;
let place = null;       // from iteration and loss to pixels, in the current chart

function svg(tag, attributes, text) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const name in attributes) made.setAttribute(name, attributes[name]);
  if (text !== undefined) made.textContent = text;
  return made;
}

function range(shown) {
  // Whole decades, so that grid lines are powers of ten. The first 5 % of the run do not determine
  // the lower bound, because the content loss is almost 0 there if the run starts from the content.
  const values = shown.flatMap(curve => curve.y);
  const settled = shown.flatMap(curve => curve.y.filter((y, i) => curve.x[i] >= 0.05 * last));
  const low = Math.floor(Math.log10(Math.min(...settled.length ? settled : values)));
  const high = Math.ceil(Math.log10(Math.max(...values)));
  return [low, Math.max(high, low + 1)];
}

function superscript(number) {
  return [...String(number)].map(c => c === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[c]).join("");
}

function niceStep(length, maxCount) {
  const power = 10 ** Math.floor(Math.log10(Math.max(length / maxCount, 1)));
  return [1, 2, 5, 10].map(k => k * power).find(step => length / step <= maxCount) || 10 * power;
}

function drawChart() {
  const width = find("chart").clientWidth;
  const shown = curves.filter(curve => !hidden.has(curve.name));
  const drawing = svg("svg", {width, height: HEIGHT});
  find("chart").replaceChildren(drawing);
  place = null;
  if (!shown.length) return;
  const [low, high] = range(shown);
  place = {
    x: iteration => LEFT + iteration / last * (width - LEFT - RIGHT),
    y: loss => TOP + (high - Math.max(low, Math.log10(loss))) / (high - low)
      * (HEIGHT - TOP - BOTTOM),
    iteration: x => (x - LEFT) / (width - LEFT - RIGHT) * last,
  };
  drawGrid(drawing, width, low, high);
  for (const curve of shown)
    drawing.append(svg("polyline", {
      points: curve.x.map((x, i) => `${place.x(x).toFixed(1)},${place.y(curve.y[i]).toFixed(1)}`)
        .join(" "),
      stroke: curve.color, "stroke-width": curve.layer ? 1.2 : 2.2,
      "stroke-dasharray": curve.layer ? "5 2" : "none", "data-name": curve.name}));
  drawing.append(svg("line", {class: "cursor", y1: TOP, y2: HEIGHT - BOTTOM}));
  moveCursor(frames[current].iteration);
}

function drawGrid(drawing, width, low, high) {
  const every = niceStep(high - low, 8);
  for (let k = low; k <= high; k += every) {
    const y = place.y(10 ** k);
    drawing.append(svg("line", {class: "grid", x1: LEFT, x2: width - RIGHT, y1: y, y2: y}),
      svg("text", {x: LEFT - 6, y: y + 4, "text-anchor": "end"}, "10" + superscript(k)));
  }
  for (let x = 0, step = niceStep(last, width / 80); x <= last; x += step)
    drawing.append(svg("text", {x: place.x(x), y: HEIGHT - 16, "text-anchor": "middle"}, x));
  drawing.append(svg("text", {x: (LEFT + width - RIGHT) / 2, y: HEIGHT - 1,
    "text-anchor": "middle"}, "iteration"));
  for (const [iteration, label] of data.scales) {
    const x = place.x(iteration);
    drawing.append(svg("line", {class: "scale", x1: x, x2: x, y1: TOP, y2: HEIGHT - BOTTOM}),
      svg("text", {x: x + 3, y: TOP - 5}, label));
  }
}

function moveCursor(iteration) {
  const cursor = document.querySelector(".cursor");
  if (cursor && place)
    for (const end of ["x1", "x2"]) cursor.setAttribute(end, place.x(iteration));
  curves.forEach((curve, i) => {
    const at = curve.x.findLastIndex(x => x <= iteration);
    find("value" + i).textContent = at < 0 ? "" : " " + curve.y[at].toPrecision(4);
  });
}

function drawLegend() {
  curves.forEach((curve, i) => {
    const button = document.createElement("button"), line = document.createElement("i");
    const value = document.createElement("span");
    value.id = "value" + i;
    line.style.background = curve.color;
    button.append(line, curve.name, value);
    button.setAttribute("aria-pressed", true);
    button.addEventListener("click", () => {
      if (!hidden.delete(curve.name)) hidden.add(curve.name);
      button.setAttribute("aria-pressed", !hidden.has(curve.name));
      drawChart();
    });
    find("legend").append(button);
  });
}

find("frame").style.maxWidth = `calc(78vh * ${data.width / data.height})`;
const content = document.querySelector("figure.content img");
if (content) find("over").src = content.src;
find("step").max = frames.length - 1;
find("step").addEventListener("input", event => go(Number(event.target.value)));
find("wipe").addEventListener("input", event => wipe(Number(event.target.value)));
find("chart").addEventListener("pointermove", event => {
  const x = event.clientX - find("chart").getBoundingClientRect().left;
  if (place) moveCursor(Math.max(0, Math.min(last, Math.round(place.iteration(x)))));
});
find("chart").addEventListener("pointerleave", () => moveCursor(frames[current].iteration));
addEventListener("resize", drawChart);
drawLegend();
drawChart();
wipe(0);
go(current);
