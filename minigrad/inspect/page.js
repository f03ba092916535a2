"use strict";
// Steps through a backward pass. The state after step k follows from steps 0 … k alone, so
// going back is drawing again, and nothing has to be undone.

const data = JSON.parse(document.getElementById("data").textContent);
const svg = document.querySelector("#drawing svg");
const find = id => document.getElementById(id);
let current = 0;

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
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

function draw(step) {
  const totals = totalsAfter(step);
  const done = new Set(data.steps.slice(0, step).map(one => one.vertex));
  const active = data.steps[step];
  data.vertices.forEach((vertex, i) => {
    const group = find("v" + i), total = totals.get(i);
    const partial = total !== undefined && total.paths < total.of;
    group.classList.toggle("active", i === active.vertex);
    group.classList.toggle("done", done.has(i));
    group.classList.toggle("waiting", partial);
    const line = group.querySelector(".gradient");
    if (line) line.textContent = total === undefined ? "" :
      total.text + (partial ? ` (${total.paths} of ${total.of} paths)` : "");
  });
  const past = new Set(data.steps.slice(0, step).flatMap(one => one.sent.map(s => s.edge)));
  const now = new Map(active.sent.map(sent => [sent.edge, sent]));
  document.querySelectorAll(".flow-label").forEach(label => label.remove());
  for (let e = 0; e < data.edges.length; e++) {
    const path = find("e" + e);
    path.classList.toggle("active", now.has(e));
    path.classList.toggle("done", past.has(e));
    if (now.has(e)) label(path, now.get(e).flow, data.edges[e]);
  }
  if (active.vertex !== null)
    find("v" + active.vertex).scrollIntoView({block: "center", inline: "center"});
}

function label(path, text, left) {
  // Beside the line, on the side where its operand stands, so that two do not cover each other.
  const middle = path.getPointAtLength(path.getTotalLength() / 2);
  const made = document.createElementNS("http://www.w3.org/2000/svg", "text");
  made.setAttribute("class", "flow-label");
  made.setAttribute("x", middle.x + (left ? -7 : 7));
  made.style.textAnchor = left ? "end" : "start";
  made.setAttribute("y", middle.y + 4);
  made.textContent = "↑ " + text;
  svg.append(made);
}

function enlarge() {
  // A small graph fills the space it has; a large one keeps its size and is scrolled.
  const pane = find("drawing"), size = svg.viewBox.baseVal;
  const room = Math.min((pane.clientWidth - 40) / size.width,
                        (pane.clientHeight - 40) / size.height);
  const scale = Math.max(1, Math.min(1.6, room));
  svg.setAttribute("width", size.width * scale);
  svg.setAttribute("height", size.height * scale);
}

// --------------------------------------------------------------------- the panel

function show(step) {
  const panel = find("panel"), one = data.steps[step];
  panel.replaceChildren(element("h2", "", one.title));
  if (one.formula) panel.append(element("p", "formula", one.formula));
  if (one.created) panel.append(element("p", "place", "called at " + one.created));
  for (const note of one.notes) panel.append(element("p", "", note));
  if (one.gradient) {
    panel.append(element("h3", "", one.gradientTitle), element("pre", "flow", one.gradient));
  }
  if (one.saved.length) {
    panel.append(element("h3", "", `Saved in the forward pass: ${one.savedBytes}`));
    for (const saved of one.saved) panel.append(element("pre", "", saved));
  }
  if (one.sent.length && one.operation)
    panel.append(element("h3", "", "Gradients that its rules send"));
  for (const sent of one.sent) if (one.operation) panel.append(card(sent));
  panel.scrollTop = 0;
}

function card(sent) {
  const made = element("div", "sent");
  made.append(element("p", "", `with respect to operand ${sent.name}, sent to ${sent.to}`));
  const rule = element("p");
  rule.append(element("code", "", sent.rule), element("span", "place", "   " + sent.place));
  made.append(rule);
  if (sent.with) made.append(element("p", "place", "with " + sent.with));
  made.append(element("pre", "flow", sent.gradient));
  const sum = element("p", "sum numbers");
  if (sent.before === null) sum.textContent = sent.of === 1 ? `the only path to ${sent.to}` :
    `the first of ${sent.of} paths to ${sent.to}; the others follow`;
  else sum.append(`the paths to ${sent.to} add up: ${sent.before} + ${sent.short} = `,
                  element("b", "", sent.totalPlain),
                  sent.path === sent.of ? "  (complete)" : `  (${sent.path} of ${sent.of})`);
  made.append(sum);
  return made;
}

// -------------------------------------------------------------------- moving about

function go(step) {
  const last = data.steps.length - 1;
  current = Math.max(0, Math.min(last, step));
  draw(current);
  show(current);
  find("counter").textContent = `step ${current} of ${last}`;
  find("slider").value = current;
  for (const id of ["first", "previous"]) find(id).disabled = current === 0;
  for (const id of ["next", "last"]) find(id).disabled = current === last;
  history.replaceState(null, "", "#" + current);
}

const moves = {
  first: () => 0, previous: () => current - 1,
  next: () => current + 1, last: () => data.steps.length - 1,
};
const keys = {Home: "first", ArrowLeft: "previous", ArrowRight: "next", End: "last"};
for (const id in moves) find(id).addEventListener("click", () => go(moves[id]()));
document.addEventListener("keydown", event => {
  if (!(event.key in keys) || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  go(moves[keys[event.key]]());
});
find("slider").max = data.steps.length - 1;
find("slider").addEventListener("input", event => go(Number(event.target.value)));
data.vertices.forEach((vertex, i) => {
  if (vertex.step !== null) find("v" + i).addEventListener("click", () => go(vertex.step));
});
addEventListener("resize", enlarge);
addEventListener("hashchange", () => go(Number(location.hash.slice(1)) || 0));
enlarge();
go(Number(location.hash.slice(1)) || 0);
