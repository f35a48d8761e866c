// SPDX-License-Identifier: Apache-2.0
"use strict";
const HUES = ["#1f5fa8", "#c44814", "#00796b", "#9c3d86", "#b8860b", "#4d8ad4", "#7a3203", "#5b7f1e", "#d6212e", "#4b4fa3", "#0097a7", "#8d6e63"];

function harmonicMean(seen, unseen) { return seen + unseen ? (2 * seen * unseen) / (seen + unseen) : 0; }

function drawCalibration(holder, run) {
  holder.replaceChildren();
  const known = run.zero_shot, width = holder.clientWidth, height = holder.clientHeight;
  if (!known || !width) return;
  const edge = { left: 44, right: 14, top: 10, bottom: 40 };
  const x = (value) => edge.left + (value / 100) * (width - edge.left - edge.right);
  const y = (value) => height - edge.bottom - (value / 100) * (height - edge.top - edge.bottom);
  const marks = [[`gamma 0, harmonic ${known.uncalibrated[2].toFixed(1)}`, known.uncalibrated, false]];
  if (known.gamma_chosen_on !== "nothing") marks.push([`gamma ${number(known.gamma)} chosen on ${known.gamma_chosen_on}, harmonic ${known.calibrated[2].toFixed(1)}`, known.calibrated, true]);
  const svg = shape(holder, "svg", { role: "img", tabindex: 0, "aria-label": `Accuracy of seen classes over that of unseen classes for all gammas; ${marks.map(([name, at]) => `${name}: seen ${at[0].toFixed(1)}, unseen ${at[1].toFixed(1)}`).join("; ")}` });
  for (const at of [0, 20, 40, 60, 80, 100]) {
    shape(svg, "line", { class: at ? "grid" : "axis", x1: x(0), x2: x(100), y1: y(at), y2: y(at) });
    shape(svg, "text", { x: x(0) - 8, y: y(at) + 4, "text-anchor": "end" }, at);
    shape(svg, "text", { x: x(at), y: y(0) + 16, "text-anchor": "middle" }, at);
  }
  shape(svg, "text", { x: x(50), y: height - 6, "text-anchor": "middle" }, "accuracy of unseen classes");
  const line = known.curve.map(([, seen, unseen]) => `${x(unseen).toFixed(1)},${y(seen).toFixed(1)}`).join(" ");
  shape(svg, "polyline", { points: line, fill: "none", style: "stroke:var(--accent)", "stroke-width": 1.75, "stroke-linejoin": "round" });
  marks.forEach(([name, [seen, unseen], chosen], place) => {
    const color = chosen ? "var(--accent)" : "var(--muted)", right = x(unseen) > width / 2;
    shape(svg, "circle", { cx: x(unseen), cy: y(seen), r: 5, style: `fill:${chosen ? color : "var(--paper)"};stroke:${color}`, "stroke-width": 1.75 });
    // Below the curve, where there is room; one of two that are close goes further down.
    const close = place && Math.abs(y(seen) - y(marks[0][1][0])) < 16;
    const below = Math.min(y(seen) + 20 + (close ? 16 : 0), height - edge.bottom - 6);
    shape(svg, "text", { x: x(unseen) + (right ? -4 : 6), y: below, "text-anchor": right ? "end" : "start", "font-weight": chosen ? 600 : 400, style: `fill:${color};paint-order:stroke;stroke:var(--paper);stroke-width:4px` }, name);
  });
  followCurve(svg, known.curve, x, y);
}

function followCurve(svg, curve, x, y) {
  const spot = shape(svg, "circle", { r: 4, style: "fill:var(--ink)", visibility: "hidden" });
  const show = ([gamma, seen, unseen]) => {
    const box = svg.getBoundingClientRect();
    spot.setAttribute("cx", x(unseen)); spot.setAttribute("cy", y(seen)); spot.setAttribute("visibility", "visible");
    showTip(`gamma ${number(gamma)}\nseen ${seen.toFixed(2)}\nunseen ${unseen.toFixed(2)}\nharmonic ${harmonicMean(seen, unseen).toFixed(2)}`, box.left + x(unseen), box.top + y(seen));
  };
  followPointer(svg, curve, 0, ([, seen, unseen], at) => Math.hypot(x(unseen) - at[0], y(seen) - at[1]), show, spot);
}

function middles(known, count) {
  return Array.from({ length: count }, (_, label) => {
    const own = known.points.filter((_, index) => known.labels[index] === label);
    return [0, 1].map((axis) => own.reduce((sum, point) => sum + point[axis], 0) / own.length);
  });
}

function drawFeatures(holder, run) {
  holder.replaceChildren();
  const known = run.features, width = holder.clientWidth, height = holder.clientHeight;
  if (!known || !width) return;
  const reach = Math.min(width, height) / 2 - 12;
  const x = (value) => width / 2 + value * reach, y = (value) => height / 2 - value * reach;
  const hue = (label) => (label < 0 ? "var(--rule)" : HUES[label % HUES.length]);
  const texts = known.texts.length ? ", and the texts of unseen classes" : "";
  const svg = shape(holder, "svg", { role: "img", "aria-label": `Features of ${known.points.length} samples in the plane${texts}` });
  const name = (label) => (label < 0 ? "a seen class" : run.classes[label]);
  const order = known.points.map((_, index) => index).sort((one, other) => (known.labels[one] < 0 ? 0 : 1) - (known.labels[other] < 0 ? 0 : 1));
  for (const index of order) {
    const [across, up] = known.points[index], label = known.labels[index];
    const dot = shape(svg, "circle", { cx: x(across).toFixed(1), cy: y(up).toFixed(1), r: label < 0 ? 2 : 3, style: `fill:${hue(label)}`, "fill-opacity": 0.75 });
    dot.addEventListener("pointerenter", (event) => showTip(name(label), event.clientX, event.clientY));
    dot.addEventListener("pointerleave", hideTip);
  }
  const told = known.texts.length > 0;
  (told ? known.texts : middles(known, run.classes.length)).forEach(([across, up], label) => {
    if (!Number.isFinite(across)) return;
    if (told) shape(svg, "path", { d: `M${x(across)} ${y(up) - 8}l7 8l-7 8l-7 -8z`, style: `fill:${hue(label)};stroke:var(--paper)`, "stroke-width": 1.5 });
    const right = across > 0.4;
    shape(svg, "text", { x: x(across) + (right ? -11 : 11), y: y(up) + 4, "text-anchor": right ? "end" : "start", style: "fill:var(--ink);paint-order:stroke;stroke:var(--paper);stroke-width:4px" }, run.classes[label]);
  });
}
