// SPDX-License-Identifier: Apache-2.0
"use strict";
const SVG = "http://www.w3.org/2000/svg";
const SERIES = {
  top1: [
    { key: "test_top1", name: "test", color: "var(--accent)", dash: "" },
    { key: "validation_top1", name: "validation", color: "var(--second)", dash: "7 3" },
    { key: "train_top1", name: "train", color: "var(--third)", dash: "2 3" },
  ],
  loss: [{ key: "loss", name: "loss", color: "var(--ink)", dash: "" }],
  lr: [{ key: "lr", name: "lr", color: "var(--ink)", dash: "" }],
};

function shape(parent, tag, attributes, text) {
  const made = document.createElementNS(SVG, tag);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  parent.append(made);
  return made;
}

function number(value) {
  if (value === 0) return "0";
  const size = Math.abs(value);
  return size < 0.001 || size >= 100000 ? value.toExponential(1) : String(Number(value.toPrecision(4)));
}

function ticks(low, high, count) {
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((each) => each * power).find((each) => each >= rough);
  const found = [];
  for (let at = Math.ceil(low / step - 1e-9) * step; at <= high + step * 1e-9; at += step) found.push(at);
  return found;
}

function range(kind, rows, series) {
  const values = series.flatMap((each) => rows.map((row) => row[each.key])).filter((each) => Number.isFinite(each));
  let low = Math.min(...values), high = Math.max(...values);
  if (kind === "top1") return [Math.max(0, Math.floor((low - 2) / 10) * 10), 100];
  low = Math.min(low, 0);
  return high > low ? [low, high * 1.05] : [low, low + 1];
}

function keys(holder, series) {
  const list = document.createElement("ul");
  list.className = "keys";
  for (const each of series) {
    const item = document.createElement("li");
    const line = shape(item, "svg", { viewBox: "0 0 24 8", "aria-hidden": "true" });
    shape(line, "line", { x1: 0, x2: 24, y1: 4, y2: 4, style: `stroke:${each.color}`, "stroke-width": 2, "stroke-dasharray": each.dash });
    item.append(each.name);
    list.append(item);
  }
  holder.parentNode.insertBefore(list, holder);
}

function drawChart(holder, run) {
  const kind = holder.dataset.chart, rows = run.curve;
  const series = SERIES[kind].filter((each) => rows.some((row) => Number.isFinite(row[each.key])));
  if (!series.length) { holder.closest("figure").hidden = true; return; }
  if (series.length > 1 && !holder.previousElementSibling.matches(".keys")) keys(holder, series);
  holder.replaceChildren();
  const width = holder.clientWidth, height = holder.clientHeight;
  const edge = { left: 44, right: 10, top: 8, bottom: 22 };
  const epochs = rows.map((row) => row.epoch), first = epochs[0], last = epochs[epochs.length - 1];
  const [low, high] = range(kind, rows, series);
  const x = (epoch) => edge.left + (last > first ? (epoch - first) / (last - first) : 0.5) * (width - edge.left - edge.right);
  const y = (value) => height - edge.bottom - ((value - low) / (high - low)) * (height - edge.top - edge.bottom);
  const end = rows[rows.length - 1];
  const summary = series.map((each) => `${each.name} ${Number.isFinite(end[each.key]) ? number(end[each.key]) : "unknown"}`).join(", ");
  const svg = shape(holder, "svg", { role: "img", tabindex: 0, "aria-label": `Curve over ${last} epochs; after the last: ${summary}` });
  for (const at of ticks(low, high, height > 200 ? 6 : 3)) {
    shape(svg, "line", { class: "grid", x1: edge.left, x2: width - edge.right, y1: y(at), y2: y(at) });
    shape(svg, "text", { x: edge.left - 8, y: y(at) + 4, "text-anchor": "end" }, number(at));
  }
  const marks = last > first ? ticks(first, last, width > 400 ? 8 : 4).filter((at) => Number.isInteger(at)) : [first];
  for (const at of marks) shape(svg, "text", { x: x(at), y: height - 5, "text-anchor": "middle" }, at);
  shape(svg, "line", { class: "axis", x1: edge.left, x2: width - edge.right, y1: height - edge.bottom, y2: height - edge.bottom });
  for (const each of [...series].reverse()) {
    const points = rows.filter((row) => Number.isFinite(row[each.key])).map((row) => [x(row.epoch), y(row[each.key])]);
    shape(svg, "polyline", { points: points.map((point) => point.map((at) => at.toFixed(1)).join(",")).join(" "), fill: "none", style: `stroke:${each.color}`, "stroke-width": 1.75, "stroke-dasharray": each.dash, "stroke-linejoin": "round" });
    if (points.length <= 15) for (const [cx, cy] of points) shape(svg, "circle", { cx, cy, r: 2.25, style: `fill:${each.color}` });
  }
  if (kind === "top1") drawChoices(svg, run, x, y, width);
  followRows(svg, rows, series, x, { top: edge.top, bottom: height - edge.bottom });
}

function drawChoices(svg, run, x, y, width) {
  const chosen = [["last", run.last, "var(--accent)"], ["validation-chosen", run.validation_chosen, "var(--second)"], ["best_on_test", run.best_on_test, "var(--warn)"]];
  const taken = [];
  for (const [name, choice, color] of chosen) {
    if (!choice || !Number.isFinite(choice.test_top1)) continue;
    const at = [x(choice.epoch), y(choice.test_top1)];
    const hollow = name === "last" ? color : "var(--paper)";
    shape(svg, "circle", { cx: at[0], cy: at[1], r: name === "best_on_test" ? 6.5 : 4.5, style: `fill:${name === "best_on_test" ? "none" : hollow};stroke:${color}`, "stroke-width": 1.75 });
    const right = at[0] > width - 110;
    let label = at[1] + 20;
    while (taken.some(([left, top]) => Math.abs(left - at[0]) < 130 && Math.abs(top - label) < 14)) label += 14;
    taken.push([at[0], label]);
    const text = shape(svg, "text", { x: at[0] + (right ? 4 : 0), y: label, "text-anchor": right ? "end" : "middle", style: `fill:${color};paint-order:stroke;stroke:var(--paper);stroke-width:4px` }, `${name} ${choice.test_top1.toFixed(1)}`);
    text.setAttribute("font-weight", name === "last" ? 600 : 400);
  }
}

function followRows(svg, rows, series, x, reach) {
  const guide = shape(svg, "line", { class: "guide", y1: reach.top, y2: reach.bottom, visibility: "hidden" });
  const show = (row) => {
    const box = svg.getBoundingClientRect();
    guide.setAttribute("x1", x(row.epoch)); guide.setAttribute("x2", x(row.epoch)); guide.setAttribute("visibility", "visible");
    const lines = series.filter((each) => Number.isFinite(row[each.key])).map((each) => `${each.name} ${each.key.endsWith("top1") ? row[each.key].toFixed(2) : number(row[each.key])}`);
    showTip([`epoch ${row.epoch}`, ...lines].join("\n"), box.left + x(row.epoch), box.top + reach.top);
  };
  followPointer(svg, rows, rows.length - 1, (row, at) => Math.abs(x(row.epoch) - at[0]), show, guide);
}

// Shows the point nearest to the pointer, from `first` on by the arrow keys, and hides its mark when nobody looks.
function followPointer(svg, points, first, far, show, mark) {
  let place = first;
  const hide = () => { mark.setAttribute("visibility", "hidden"); hideTip(); };
  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect(), at = [event.clientX - box.left, event.clientY - box.top];
    place = points.reduce((best, point, index) => (far(point, at) < far(points[best], at) ? index : best), 0);
    show(points[place]);
  });
  svg.addEventListener("pointerleave", hide);
  svg.addEventListener("blur", hide);
  svg.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) return;
    event.preventDefault();
    place = Math.min(points.length - 1, Math.max(0, place + step));
    show(points[place]);
  });
}
