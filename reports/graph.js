"use strict";
// Draws what the page holds as JSON. Texts of the model go onto the canvas or into text nodes, never into markup.
const data = JSON.parse(document.getElementById("data").textContent);
document.getElementById("off").remove();
const KINDS = ["allowed", "deviated", "unproven", "forbidden"];
const [OPERATOR, NAME, KIND, LAYERS, SHAPE, FOUND] = [1, 2, 3, 4, 5, 6];
const text = (number) => data.texts[number];
const PAD = 18, HEAD = 30, DOWN = 36, ACROSS = 56, SCREEN = 1.4, FEW = 90, MANY = 1500;

// The tree: every item is a node (its position) or a block.
class Block {
  constructor(title, parent) { Object.assign(this, { title, parent, items: [], links: new Map(), counts: [0, 0, 0, 0], open: false, box: null }); }
  get size() { return this.counts.reduce((sum, count) => sum + count, 0); }
  get worst() { return this.counts.findLastIndex((count) => count > 0); }
}
const blocks = [];
const home = new Array(data.nodes.length); // node -> the block it stands in
const grow = (title, members, parent) => {
  const block = new Block(title, parent);
  block.id = "b" + blocks.push(block);
  for (const member of members) {
    if (Array.isArray(member)) block.items.push(grow(member[0], member.slice(1), block));
    else { block.items.push(member); home[member] = block; block.counts[data.nodes[member][KIND]]++; }
  }
  for (const item of block.items) if (item instanceof Block) item.counts.forEach((count, kind) => { block.counts[kind] += count; });
  return block;
};
const root = grow("", data.tree, null);
root.open = true;
const idOf = (item) => (item instanceof Block ? item.id : "n" + item);
const itemOf = (id) => (id[0] === "b" ? blocks[id.slice(1) - 1] : Number(id.slice(1)));
const parentOf = (item) => (item instanceof Block ? item.parent : home[item]);
const pathOf = (item) => { const path = []; for (let step = item; step !== null; step = parentOf(step)) path.push(step); return path.reverse(); };

// An edge belongs to the innermost block that holds both of its ends.
for (const edge of data.edges) {
  const [from, to] = edge;
  const one = pathOf(from), other = pathOf(to);
  let depth = 0;
  while (one[depth + 1] === other[depth + 1]) depth++;
  edge.link = idOf(one[depth + 1]) + ">" + idOf(other[depth + 1]);
  one[depth].links.set(edge.link, [one[depth + 1], other[depth + 1]]);
}

// Open from the outside in, as long as it can be taken in at a glance.
for (let level = [root], shown = root.items.length; level.length; ) {
  const inner = level.flatMap((block) => block.items.filter((item) => item instanceof Block));
  shown += inner.reduce((sum, block) => sum + block.items.length, 0);
  if (!inner.length || shown > FEW) break;
  for (const block of inner) block.open = true;
  level = inner;
}

const measure = document.createElement("canvas").getContext("2d");
measure.font = "600 12px sans-serif";
const cut = (words, most) => (words.length > most ? words.slice(0, most - 1) + "…" : words);
const lines = (item) => {
  if (item instanceof Block) {
    const wrong = KINDS.map((kind, number) => [kind, item.counts[number]]).slice(1).reverse().filter((pair) => pair[1]);
    return [cut(item.title, 44), item.size + (item.size === 1 ? " node" : " nodes") + wrong.map(([kind, count]) => ", " + count + " " + kind).join("")];
  }
  return [cut(text(data.nodes[item][OPERATOR]), 30), cut(text(data.nodes[item][SHAPE]), 30)];
};
const sizes = new Map();
const sizeOf = (item) => {
  if (item instanceof Block && item.open) return placed(item);
  const id = idOf(item);
  if (!sizes.has(id)) {
    const wide = Math.max(...lines(item).map((line) => measure.measureText(line).width));
    sizes.set(id, { width: Math.ceil(wide) + 26, height: item instanceof Block ? 46 : 38 });
  }
  return sizes.get(id);
};

// Blocks follow each other: in columns, as many as make the whole about as wide as a screen is.
const columns = (block) => {
  const sizes = block.items.map(sizeOf), height = sizes.reduce((sum, size) => sum + size.height + DOWN, 0);
  let best = null;
  for (let count = 1; count <= Math.min(24, sizes.length); count++) {
    const spots = new Map(), wanted = height / count;
    let left = 0, y = 0, wide = 0, tall = 0, column = 0;
    sizes.forEach((size, at) => {
      if (y > 0 && y + size.height / 2 > wanted) { left += wide + ACROSS; y = wide = 0; column++; }
      spots.set(idOf(block.items[at]), { x: left, y: y + size.height / 2, size, column });
      y += size.height + DOWN;
      wide = Math.max(wide, size.width);
      tall = Math.max(tall, y - DOWN);
    });
    const far = Math.abs(Math.log((left + wide) / tall / SCREEN));
    if (best === null || far < best.far) best = { far, spots, width: left + wide, height: tall };
  }
  const widths = [];
  for (const spot of best.spots.values()) widths[spot.column] = Math.max(widths[spot.column] || 0, spot.size.width);
  for (const spot of best.spots.values()) spot.x += widths[spot.column] / 2;
  const bends = new Map();
  for (const [key, [from, to]] of block.links) {
    const one = best.spots.get(idOf(from)), other = best.spots.get(idOf(to));
    if (one.column === other.column) continue;
    const x = other.x - widths[other.column] / 2 - ACROSS / 2, below = one.y + one.size.height / 2 + DOWN / 2, above = other.y - other.size.height / 2 - DOWN / 2;
    bends.set(key, [one, { x: one.x, y: below }, { x, y: below }, { x, y: above }, { x: other.x, y: above }, other]);
  }
  return { ...best, bends };
};
const alike = new Map(); // the blocks of a network repeat: each form is laid out once, its items known by position
const layered = (block) => {
  const order = new Map(block.items.map((item, at) => [idOf(item), at]));
  const links = [...block.links.values()].map(([from, to]) => [order.get(idOf(from)), order.get(idOf(to))]);
  const sizes = block.items.map((item) => { const { width, height } = sizeOf(item); return { width, height }; });
  const form = JSON.stringify([sizes, links]);
  if (!alike.has(form)) alike.set(form, laid(sizes, links));
  const { width, height, spots, bends } = alike.get(form);
  const ids = [...order.keys()];
  return { width, height, spots: new Map(ids.map((id, at) => [id, spots[at]])), bends: new Map(links.map(([from, to], at) => [ids[from] + ">" + ids[to], bends[at]])) };
};
const laid = (sizes, links) => {
  const graph = new dagre.graphlib.Graph().setGraph({ rankdir: "TB", nodesep: 22, ranksep: 30, ranker: sizes.length > 60 ? "longest-path" : "network-simplex" });
  sizes.forEach((size, at) => graph.setNode(String(at), { ...size }));
  for (const [from, to] of links) graph.setEdge(String(from), String(to), {});
  dagre.layout(graph);
  const { width, height } = graph.graph();
  return { width: width || 0, height: height || 0, spots: sizes.map((_, at) => graph.node(String(at))), bends: links.map(([from, to]) => graph.edge(String(from), String(to)).points) };
};
// The place of everything in an open block; kept until something in it opens or folds.
const placed = (block) => {
  if (block.box) return block.box;
  const chain = block.items.filter((item) => item instanceof Block).length > 1;
  const { width, height, spots, bends } = chain ? columns(block) : layered(block);
  const border = block === root ? 0 : PAD, head = block === root ? 0 : HEAD;
  const moved = ({ x, y }) => ({ x: x + border, y: y + head + border / 2 });
  const title = block === root ? 0 : measure.measureText(lines(block).join("  ")).width + 2 * PAD;
  block.box = {
    width: Math.max(width + 2 * border, title), height: height + head + 1.5 * border,
    spots: new Map([...spots].map(([id, spot]) => [id, moved(spot)])),
    bends: new Map([...bends].map(([key, points]) => [key, points.map(moved)])),
  };
  return block.box;
};
const changed = (block) => { for (let step = block; step !== null; step = step.parent) step.box = null; };

// A bend as Cytoscape wants it: how far along the straight line, and how far beside it.
const bent = (points, from, to) => {
  const dx = to.x - from.x, dy = to.y - from.y, length = Math.hypot(dx, dy) || 1;
  const inner = points.slice(1, -1).map((point) => {
    const px = point.x - from.x, py = point.y - from.y;
    return [(px * dx + py * dy) / length ** 2, (py * dx - px * dy) / length];
  });
  if (!inner.some(([, beside]) => Math.abs(beside) > 8)) return null;
  return { weights: inner.map((pair) => pair[0].toFixed(4)).join(" "), distances: inner.map((pair) => pair[1].toFixed(1)).join(" ") };
};

// Everything that is visible now: [elements, id -> where it stands].
const scene = () => {
  const elements = new Map(), stands = new Array(data.nodes.length), bends = new Map(), where = new Map();
  const place = (block, left, top, depth) => {
    const box = placed(block);
    for (const [key, points] of box.bends) bends.set(key, points.map((point) => ({ x: point.x + left, y: point.y + top })));
    for (const item of block.items) {
      const id = idOf(item), spot = box.spots.get(id), size = sizeOf(item);
      const position = { x: spot.x + left, y: spot.y + top };
      const folded = item instanceof Block && !item.open;
      const kind = item instanceof Block ? Math.max(item.worst, 0) : data.nodes[item][KIND];
      const end = !(item instanceof Block) && ["input", "output"].includes(data.nodes[item][0]);
      where.set(id, position);
      const classes = [end && kind === 0 ? "end" : KINDS[kind], item instanceof Block ? (folded ? "folded" : "open") : "node"].join(" ");
      const label = item instanceof Block && item.open ? lines(item).join("  ") : lines(item).filter(Boolean).join("\n");
      elements.set(id, { group: "nodes", data: { id, label, width: size.width, height: size.height, depth }, position, classes });
      if (item instanceof Block && item.open) place(item, position.x - size.width / 2, position.y - size.height / 2, depth + 1);
      else if (folded) mark(item, id);
      else stands[item] = id;
    }
  };
  const mark = (block, id) => { for (const item of block.items) if (item instanceof Block) mark(item, id); else stands[item] = id; };
  place(root, 0, 0, 0);
  for (const edge of data.edges) {
    const [from, to, shape] = edge, source = stands[from], target = stands[to], id = source + ">" + target;
    if (source === target || elements.has(id)) continue;
    const way = bends.has(edge.link) ? bent(bends.get(edge.link), where.get(source), where.get(target)) : null;
    elements.set(id, { group: "edges", data: { id, source, target, label: text(shape), weights: "0.5", distances: "0", ...way }, classes: (way ? "bent" : "straight") + (shape ? "" : " holds") });
  }
  return elements;
};

const dark = matchMedia("(prefers-color-scheme: dark)");
const styles = () => {
  const sheet = getComputedStyle(document.documentElement);
  const colour = (name) => sheet.getPropertyValue("--" + name).trim();
  const kind = (name, ink, shape) => ({ selector: "node." + name, style: { "border-color": colour(ink), "background-color": colour(ink + "-fill"), shape, "border-width": name === "allowed" ? 1.5 : 3 } });
  // A folded block shows the share of each verdict, from left to right.
  const inks = ["good", "note", "open", "bad"].map((ink) => colour(ink + "-fill"));
  const parts = (element) => itemOf(element.id()).counts.map((count, number) => [count, number]).filter((pair) => pair[0]);
  const colours = (element) => parts(element).flatMap(([, number]) => [inks[number], inks[number]]).join(" ");
  const stops = (element) => { let sum = 0; return parts(element).flatMap(([count]) => [sum, (sum += (100 * count) / itemOf(element.id()).size)]).map((stop) => stop.toFixed(1) + "%").join(" "); };
  return [
    { selector: "node", style: { width: "data(width)", height: "data(height)", label: "data(label)", color: colour("ink"), "background-color": colour("paper"), "font-size": 12, "font-family": "sans-serif", "text-valign": "center", "text-wrap": "wrap", "min-zoomed-font-size": 6, "overlay-opacity": 0, "z-index-compare": "manual", "z-index": 1000 } },
    kind("allowed", "good", "round-rectangle"), kind("deviated", "note", "cut-rectangle"),
    kind("unproven", "open", "round-rectangle"), kind("forbidden", "bad", "octagon"),
    { selector: "node.unproven", style: { "border-style": "dashed" } },
    { selector: "node.end", style: { "border-color": colour("soft"), shape: "ellipse", "border-width": 1.5 } },
    { selector: "node.folded", style: { "background-color": colour("panel"), "border-style": "double", "border-width": 5, "font-weight": 600, shape: "round-rectangle", "background-fill": "linear-gradient", "background-gradient-direction": "to-right", "background-gradient-stop-colors": colours, "background-gradient-stop-positions": stops } },
    { selector: "node.open", style: { "background-color": colour("panel"), "background-opacity": 0.55, "border-width": 1, "border-style": "solid", shape: "rectangle", "text-valign": "top", "text-margin-y": 22, "font-weight": 600, "min-zoomed-font-size": 5, "z-index": "data(depth)" } },
    { selector: "edge", style: { width: 1.4, "line-color": colour("soft"), "target-arrow-color": colour("soft"), "target-arrow-shape": "triangle", "arrow-scale": 0.8, "curve-style": "straight", "overlay-opacity": 0, "z-index-compare": "manual", "z-index": 900 } },
    { selector: "edge.bent", style: { "curve-style": "segments", "segment-weights": "data(weights)", "segment-distances": "data(distances)", "edge-distances": "node-position" } },
    { selector: "edge.holds", style: { "line-style": "dashed", "target-arrow-shape": "none" } },
    { selector: "node.chosen", style: { "border-width": 6, "border-color": colour("s0"), "border-style": "solid" } },
    { selector: "edge.chosen", style: { width: 2.5, "line-color": colour("s0"), "target-arrow-color": colour("s0"), label: "data(label)", color: colour("ink"), "font-size": 11, "text-background-color": colour("paper"), "text-background-opacity": 1, "min-zoomed-font-size": 6 } },
  ];
};

let shown = scene();
const cy = cytoscape({
  container: document.getElementById("net"), elements: [...shown.values()], style: styles(), layout: { name: "preset" },
  autoungrabify: true, boxSelectionEnabled: false, selectionType: "single", minZoom: 0.01, maxZoom: 3,
  hideEdgesOnViewport: data.nodes.length > MANY, textureOnViewport: data.nodes.length > MANY,
});
dark.addEventListener("change", () => cy.style(styles()));

let chosen = null;
// Only what is new, gone or changed is touched.
const redraw = () => {
  const wanted = scene(), missing = [];
  cy.batch(() => {
    for (const id of shown.keys()) if (!wanted.has(id)) cy.getElementById(id).remove();
    for (const [id, element] of wanted) {
      const before = shown.get(id);
      if (!before) { missing.push(element); continue; }
      if (JSON.stringify(before) === JSON.stringify(element)) continue;
      const here = cy.getElementById(id);
      if (JSON.stringify(before.data) !== JSON.stringify(element.data)) here.data(element.data);
      if (before.classes !== element.classes) here.classes(element.classes);
      if (element.position) here.position(element.position);
    }
    cy.add(missing);
  });
  shown = wanted;
  paint();
};
// What is chosen, and its edges, stands out.
const paint = () => {
  cy.elements(".chosen").removeClass("chosen");
  if (chosen === null) return;
  const here = cy.getElementById(idOf(chosen));
  here.addClass("chosen");
  here.connectedEdges().addClass("chosen");
};
// Opens or folds a block; what was clicked stays where it is on the screen.
const toggle = (block, open) => {
  const corner = () => { const box = cy.getElementById(block.id).renderedBoundingBox({ includeLabels: false, includeOverlays: false }); return { x: (box.x1 + box.x2) / 2, y: box.y1 }; };
  const before = corner();
  block.open = open;
  changed(block);
  redraw();
  const after = corner();
  cy.panBy({ x: before.x - after.x, y: before.y - after.y });
};
const all = (open) => { for (const block of blocks) { block.open = open || block === root; block.box = null; } redraw(); cy.fit(undefined, 20); };
const reveal = (item) => {
  for (const block of pathOf(item).slice(0, -1)) if (!block.open) { block.open = true; changed(block); }
  redraw();
  cy.zoom(1);
  cy.center(cy.getElementById(idOf(item)));
};

// The panel.
const panel = document.getElementById("chosen");
const part = (tag, words, ...inner) => { const made = document.createElement(tag); made.textContent = words; made.append(...inner); return made; };
const listed = (pairs) => part("dl", "", ...pairs.filter((pair) => pair[1]).flatMap(([name, words]) => [part("dt", name), part("dd", words)]));
const badge = (kind) => { const made = part("span", kind); made.className = "badge " + kind; return made; };
const button = (words, act) => { const made = part("button", words); made.type = "button"; made.addEventListener("click", act); return made; };
const choose = (item) => {
  chosen = item;
  paint();
  panel.replaceChildren();
  if (item instanceof Block) {
    panel.append(part("h2", item.title), part("p", lines(item)[1]), button(item.open ? "Fold" : "Open", () => { toggle(item, !item.open); choose(item); }));
    return;
  }
  const node = data.nodes[item], kind = KINDS[node[KIND]];
  const end = ["input", "output"].includes(node[0]);
  panel.append(part("h2", text(node[OPERATOR]) + (end ? "" : " " + node[0]), " ", badge(kind)));
  panel.append(listed([["Name", text(node[NAME])], ["Layers", end ? "" : text(node[LAYERS]) || "none"], ["Makes", text(node[SHAPE])]]));
  for (const [rule, facts, deviation] of node[FOUND]) {
    const [id, title, advice, remedies] = data.rules[rule].map(text);
    const details = document.querySelectorAll("aside .rule")[rule];
    panel.append(part("h2", title));
    panel.append(listed([["Rule", id], ["Found", facts.map(text).join("; ")], ["Way out", advice], ["fix", remedies], ["Decided", text(deviation)]]));
    panel.append(button("About this rule", () => { details.open = true; details.scrollIntoView({ block: "nearest" }); }));
  }
};
cy.on("tap", "node", (event) => {
  const item = itemOf(event.target.id());
  if (item instanceof Block && !item.open) toggle(item, true);
  choose(item);
});
cy.on("dbltap", "node.open", (event) => { const block = itemOf(event.target.id()); toggle(block, false); choose(block); });

document.getElementById("unfold").addEventListener("click", () => all(true));
document.getElementById("fold").addEventListener("click", () => all(false));
document.getElementById("fit").addEventListener("click", () => cy.fit(undefined, 20));
document.getElementById("net").addEventListener("keydown", (event) => {
  const step = { ArrowLeft: [80, 0], ArrowRight: [-80, 0], ArrowUp: [0, 80], ArrowDown: [0, -80] }[event.key];
  const zoom = { "+": 1.25, "=": 1.25, "-": 0.8 }[event.key];
  if (step) cy.panBy({ x: step[0], y: step[1] });
  else if (zoom) cy.zoom({ level: cy.zoom() * zoom, renderedPosition: { x: cy.width() / 2, y: cy.height() / 2 } });
  else if (event.key === "0") cy.fit(undefined, 20);
  else return;
  event.preventDefault();
});

// The places of a rule, one after the other.
const places = data.rules.map((_, rule) => data.nodes.map((node, at) => at).filter((at) => data.nodes[at][FOUND].some((found) => found[0] === rule)));
const at = places.map(() => -1);
for (const steps of document.querySelectorAll(".steps")) {
  steps.hidden = false;
  for (const one of steps.querySelectorAll("button")) {
    const rule = Number(one.dataset.rule);
    one.addEventListener("click", () => {
      const count = places[rule].length;
      at[rule] = at[rule] < 0 ? (one.dataset.step > 0 ? 0 : count - 1) : (at[rule] + Number(one.dataset.step) + count) % count;
      steps.querySelector("output").textContent = at[rule] + 1 + " of " + count;
      reveal(places[rule][at[rule]]);
      choose(places[rule][at[rule]]);
    });
  }
}

const search = document.getElementById("search"), hits = document.getElementById("hits");
const find = () => {
  const wanted = search.value.trim().toLowerCase(), found = [];
  for (let item = 0; wanted && item < data.nodes.length && found.length < 40; item++) {
    const node = data.nodes[item];
    if (node[0] === wanted) found.unshift(item);
    else if ((text(node[NAME]) + " " + text(node[OPERATOR])).toLowerCase().includes(wanted)) found.push(item);
  }
  hits.hidden = !wanted;
  hits.replaceChildren(...found.map((item) => part("li", "", button(text(data.nodes[item][OPERATOR]) + " " + data.nodes[item][0] + "  " + text(data.nodes[item][NAME]), () => { reveal(item); choose(item); }))));
  if (wanted && !found.length) hits.append(part("li", "nothing is called so"));
};
let waiting;
search.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(find, 100); });
search.addEventListener("keydown", (event) => { if (event.key === "Enter") { find(); hits.querySelector("button")?.click(); } });

// It can be used: said for those who measure it, and for tests.
cy.fit(undefined, 20);
cy.one("render", () => { document.documentElement.dataset.ready = Math.round(performance.now()); });
