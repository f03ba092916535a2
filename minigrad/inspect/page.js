"use strict";
// Steps through a forward and a backward pass. The state after step k follows from steps 0 … k
// alone, so going back is drawing again, and nothing has to be undone.

const page = JSON.parse(document.getElementById("data").textContent);
const svg = document.querySelector("#drawing svg");
const find = id => document.getElementById(id);
let data = page.passes[0];      // the pass that is shown
let current = 0;

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function drawn(tag, attributes, text) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const name in attributes) made.setAttribute(name, attributes[name]);
  if (text !== undefined) made.textContent = text;
  return made;
}

// ------------------------------------------------------------------- the drawing

function totalsAfter(step) {
  // For each vertex: what it has received so far, and from how many of its paths.
  const totals = new Map();
  for (const one of data.steps.slice(0, step + 1))
    for (const sent of one.sent) {
      const paths = (totals.get(sent.target) || {paths: 0}).paths + 1;
      totals.set(sent.target, {paths, text: sent.totalShort, of: sent.of});
    }
  return totals;
}

function stepsOf(phase, step) {
  return data.steps.slice(0, step).filter(one => one.phase === phase);
}

function draw(step) {
  const totals = totalsAfter(step), active = data.steps[step];
  const done = new Set(stepsOf("backward", step).map(one => one.vertex));
  const computed = new Set(stepsOf("forward", step + 1).map(one => one.vertex));
  page.vertices.forEach((vertex, i) => {
    const group = find("v" + i), total = totals.get(i);
    const partial = total !== undefined && total.paths < total.of;
    const known = computed.has(i) || vertex.kind === "leaf" || vertex.kind === "constant";
    group.classList.toggle("active", i === active.vertex);
    group.classList.toggle("done", done.has(i));
    group.classList.toggle("waiting", partial);
    group.classList.toggle("future", !known);
    group.querySelector(".value").textContent = known ? data.values[i] : vertex.shape;
    const line = group.querySelector(".gradient");
    if (line) line.textContent = total === undefined ? "" :
      total.text + (partial ? ` (${total.paths} of ${total.of} paths)` : "");
    group.classList.toggle("ungraded", Boolean(line) && total === undefined);
  });
  const past = new Set(stepsOf("backward", step).flatMap(one => one.sent.map(s => s.edge)));
  const now = new Map(active.sent.map(sent => [sent.edge, sent]));
  const entering = new Set(active.edges || []);
  document.querySelectorAll(".flow-label").forEach(label => label.remove());
  for (let e = 0; e < page.edges.length; e++) {
    const path = find("e" + e);
    path.classList.toggle("active", now.has(e) || entering.has(e));
    path.classList.toggle("done", past.has(e));
    if (now.has(e)) label(path, now.get(e).flow, page.edges[e]);
  }
  if (active.vertex !== null) bringIntoView(find("v" + active.vertex));
  else if (active.phase === "start") find("drawing").scrollTo(0, 0);
  else bringIntoView(find("v" + (page.vertices.length - 1)));
}

function bringIntoView(box) {
  // Scrolls the drawing alone; scrollIntoView would move the whole page as well.
  const pane = find("drawing"), outer = pane.getBoundingClientRect();
  const inner = box.getBoundingClientRect();
  pane.scrollBy(inner.left + inner.width / 2 - outer.left - outer.width / 2,
                inner.top + inner.height / 2 - outer.top - outer.height / 2);
}

function label(path, text, [port, ports]) {
  // Above the operand's name, on the side where the operand stands, and clear of the whole part of
  // the line beside it. Of three or more operands, every other one is written a line higher.
  const left = port < (ports - 1) / 2, length = path.getTotalLength();
  const y = path.getPointAtLength(length).y - (ports > 2 && port % 2 ? 33 : 20);
  const beside = [];
  for (let way = 0; way <= length; way += 2) {
    const point = path.getPointAtLength(way);
    if (point.y > y - 12 && point.y < y + 4) beside.push(point.x);
  }
  const x = left ? Math.min(...beside) - 6 : Math.max(...beside) + 6;
  const made = drawn("text", {class: "flow-label", x, y}, "↑ " + text);
  made.style.textAnchor = left ? "end" : "start";
  svg.append(made);
}

function enlarge() {
  // A small graph fills the space it has; one that is a little too large shrinks to it; all others
  // keep their size, so that they can be read, and are scrolled.
  const pane = find("drawing"), size = svg.viewBox.baseVal;
  const padding = 2 * parseFloat(getComputedStyle(pane).paddingTop);
  const across = (pane.clientWidth - padding) / size.width;
  const whole = Math.min(across, (pane.clientHeight - padding) / size.height, 1.6);
  const scale = [whole, Math.min(across, 1)].find(one => one >= 0.82) || 1;
  svg.setAttribute("width", size.width * scale);
  svg.setAttribute("height", size.height * scale);
}

// --------------------------------------------------------------------- the panel

function show(step) {
  const panel = find("panel"), one = data.steps[step];
  panel.replaceChildren(element("h2", "", one.title));
  if (one.formula) panel.append(withCode(element("p", "described"), one.formula));
  if (one.created) panel.append(element("p", "place", "called at " + one.created));
  for (const note of one.notes) panel.append(element("p", noteClass(note), note));
  if (one.inputs && one.inputs.length) {
    panel.append(element("h3", "", "Operands"));
    const list = element("ul");
    for (const input of one.inputs) list.append(operand(input));
    panel.append(list);
  }
  if (one.result) panel.append(element("h3", "", "Result"), ...array(one.result, ""));
  if (one.gradient) {
    panel.append(element("h3", "", one.gradientTitle), ...array(one.gradient, "flow"));
    if (one.measured) panel.append(...measured(one.measured));
  }
  if (one.leaves && one.leaves.length) {
    panel.append(element("h3", "", "Leaves within"));
    for (const leaf of one.leaves) panel.append(element("pre", "flow", leaf));
  }
  if (one.saved.length) {
    panel.append(element("h3", "", `Saved in the forward pass: ${one.savedBytes}`));
    for (const saved of one.saved) panel.append(element("pre", "", saved));
  }
  if (one.sent.length && one.phase === "backward") {
    panel.append(element("h3", "", one.saved.length || one.formula ?
      "Gradients that its rules send" : "What is sent on"));
    for (const sent of one.sent) panel.append(card(sent));
  }
  panel.scrollTop = 0;
}

function withCode(made, text) {
  // What stands in backticks is code.
  text.split("`").forEach((part, i) => made.append(i % 2 ? element("code", "", part) : part));
  return made;
}

function noteClass(note) {
  return {"✓": "agrees", "✗": "differs", "△": "kink", "?": "undefined"}[note[0]] || "";
}

function operand(input) {
  const kind = input.kind === "constant" && input.name !== "constant" ? " (constant)" : "";
  const made = element("li", "numbers", input.name + kind +
    (input.small ? ` = ${input.text}` : input.text && `, ${input.text}`));
  if (input.table) made.append(element("pre", "", input.table));
  return made;
}

function array(one, className) {
  const made = [element("pre", className, one.text)];
  if (one.histogram) made.push(histogram(one.histogram));
  return made;
}

function histogram(one) {
  const most = Math.max(...one.counts), width = 300 / one.counts.length;
  const words = `histogram of ${one.size} elements from ${one.low} to ${one.high}` +
    (one.zeros ? `, ${one.zeros} are zero` : "") + (one.bad ? `, ${one.bad} are not finite` : "");
  const made = drawn("svg", {class: "histogram", viewBox: "0 0 300 84", role: "img",
                             "aria-label": words});
  one.counts.forEach((count, i) => made.append(drawn("rect", {
    x: i * width + 0.5, width: Math.max(width - 1, 1), y: 56 - 54 * count / most,
    height: 54 * count / most})));
  made.append(drawn("line", {x1: 0, x2: 300, y1: 56.5, y2: 56.5}),
              drawn("text", {x: 0, y: 69, style: "text-anchor: start"}, one.low),
              drawn("text", {x: 300, y: 69, style: "text-anchor: end"}, one.high));
  const rest = [one.zeros ? `${one.zeros} of ${one.size} are 0` : "",
                one.bad ? `${one.bad} are NaN or infinite` : ""].filter(Boolean).join(", ");
  if (rest) made.append(drawn("text", {x: 150, y: 81, style: "text-anchor: middle"}, rest));
  return made;
}

function measured(one) {
  const line = element("p", "measured " + one.kind, one.text);
  line.dataset.mark = one.mark;
  if (!one.slopes) return [line];
  const gap = one.slopes.includes("\n") ? "\n" : " ";      // rows stand below one another
  return [line, element("pre", "place", "measured" + gap + one.slopes)];
}

function card(sent) {
  const made = element("div", "sent");
  made.append(element("p", "", `to ${sent.to}` + (sent.name && sent.name !== sent.to ?
    `, for the parameter ${sent.name} of ${sent.operation}` : "")));
  if (sent.formula) made.append(element("p", "formula", sent.formula));
  if (sent.rule) {
    const rule = element("p");
    rule.append(element("code", "", sent.rule), element("span", "place", "   " + sent.place));
    made.append(rule);
  }
  if (sent.with) made.append(element("p", "place", "with " + sent.with));
  if (sent.gradient) made.append(...array(sent.gradient, "flow"));
  else made.append(element("pre", "flow", "norm " + sent.short));
  if (sent.measured) made.append(...measured(sent.measured));
  const sum = element("p", "sum numbers");
  if (sent.before === null) sum.textContent = sent.of === 1 ? `the only path to ${sent.to}` :
    `path ${sent.path} of ${sent.of} to ${sent.to}` + (sent.path < sent.of ? "; others follow" : "");
  else sum.append(`the paths to ${sent.to} add up: ${sent.before} + ${sent.short} = `,
                  element("b", "", sent.totalPlain),
                  sent.path === sent.of ? "  (complete)" : `  (${sent.path} of ${sent.of})`);
  made.append(sum);
  return made;
}

// -------------------------------------------------------------------- moving about

const turning = () => data.steps.findIndex(one => one.phase === "turn");

function go(step) {
  const last = data.steps.length - 1;
  current = Math.max(0, Math.min(last, step));
  draw(current);
  show(current);
  find("counter").textContent = `step ${current} of ${last}`;
  find("phase").textContent = current === 0 ? "start" :
    current < turning() ? "forward" : current === turning() ? "turn" : "backward";
  find("slider").value = current;
  find("slider").setAttribute("aria-valuetext",
                              `step ${current} of ${last}: ${data.steps[current].title}`);
  for (const id of ["first", "previous"]) find(id).disabled = current === 0;
  for (const id of ["next", "last"]) find(id).disabled = current === last;
  find("turn").disabled = current === turning();
  if (location.protocol !== "about:") history.replaceState(null, "", "#" + current);
}

function curve() {
  // The loss of every pass, as a line; the words beside it say the same.
  const losses = page.passes.map(one => Number(one.loss.replace("−", "-")));
  if (page.passes.some(one => !one.loss) || !losses.every(Number.isFinite)) return () => {};
  const low = Math.min(...losses), range = Math.max(...losses) - low || 1;
  const points = losses.map((loss, i) => [4 + 152 * i / Math.max(losses.length - 1, 1),
                                          28 - 24 * (loss - low) / range]);
  const dot = drawn("circle", {r: 4});
  find("losses").append(drawn("polyline", {points: points.join(" ")}), dot);
  return number => {
    dot.setAttribute("cx", points[number][0]);
    dot.setAttribute("cy", points[number][1]);
  };
}

function choose(pass) {
  const number = Math.max(0, Math.min(page.passes.length - 1, pass));
  data = page.passes[number];
  find("pass").value = number + 1;
  mark(number);
  find("which").textContent = `${number + 1} of ${page.passes.length}` +
    (data.loss ? `: loss ${data.loss}` : "");
  find("pass").setAttribute("aria-valuetext", find("which").textContent);
  go(current);
}

const moves = {
  first: () => 0, previous: () => current - 1, next: () => current + 1,
  turn: turning, last: () => data.steps.length - 1,
};
const keys = {Home: "first", ArrowLeft: "previous", ArrowRight: "next", End: "last",
              b: "turn", B: "turn"};
for (const id in moves) find(id).addEventListener("click", () => go(moves[id]()));
document.addEventListener("keydown", event => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target === find("pass")) return;
  const pass = {PageUp: -1, PageDown: 1}[event.key];
  if (pass && page.passes.length > 1) choose(page.passes.indexOf(data) + pass);
  else if (event.key in keys) go(moves[keys[event.key]]());
  else return;
  event.preventDefault();
});
find("slider").addEventListener("input", event => go(Number(event.target.value)));
find("pass").addEventListener("input", event => choose(Number(event.target.value) - 1));

// A swipe over the text is a step; one that is mostly vertical scrolls.
let touched = null;
find("panel").addEventListener("touchstart", event => {
  touched = event.touches.length === 1 ? event.touches[0] : null;
}, {passive: true});
find("panel").addEventListener("touchend", event => {
  if (!touched) return;
  const dx = event.changedTouches[0].clientX - touched.clientX;
  const dy = event.changedTouches[0].clientY - touched.clientY;
  if (Math.abs(dx) > 50 && Math.abs(dx) > 2 * Math.abs(dy)) go(current + (dx < 0 ? 1 : -1));
});

function stepAt(vertex) {
  // The step of a box in the half that is shown, or in the other one.
  const of = phase => data.steps.findIndex(one => one.vertex === vertex && one.phase === phase);
  const [first, second] = current < turning() ? [of("forward"), of("backward")] :
    [of("backward"), of("forward")];
  return first >= 0 ? first : second;
}

page.vertices.forEach((vertex, i) => {
  if (stepAt(i) < 0) return;
  const box = find("v" + i);
  box.setAttribute("tabindex", 0);
  box.setAttribute("role", "button");       // its name is the text in it
  box.addEventListener("click", () => go(stepAt(i)));
  box.addEventListener("keydown", event => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    go(stepAt(i));
  });
});
find("slider").max = data.steps.length - 1;
for (const kind of ["stretch", "group"])
  find("key-" + kind).hidden = !page.vertices.some(vertex => vertex.kind === kind);
if (page.passes.length > 1) {
  find("other-passes").hidden = false;
  find("pass").max = page.passes.length;
  find("passes").hidden = false;
}
addEventListener("resize", () => { enlarge(); draw(current); });
addEventListener("hashchange", () => go(Number(location.hash.slice(1)) || 0));
const mark = curve();
current = Number(location.hash.slice(1)) || 0;
choose(0);
enlarge();              // now that the bars have their text, and so their height
draw(current);
