// SPDX-License-Identifier: Apache-2.0
"use strict";
function fitText(context, text, room) {
  if (context.measureText(text).width <= room) return text;
  let short = text;
  while (short.length > 1 && context.measureText(short + "…").width > room) short = short.slice(0, -1);
  return short + "…";
}

function heatColors() {
  const style = getComputedStyle(document.documentElement);
  const read = (name) => style.getPropertyValue(name).trim();
  return { right: read("--heat-right"), wrong: read("--heat-wrong"), faint: read("--faint"), ink: read("--ink"), muted: read("--muted"), paper: read("--paper") };
}

function drawHeat(holder, run) {
  const count = run.classes.length, labelled = count <= 30, colors = heatColors();
  const width = holder.clientWidth, ratio = window.devicePixelRatio || 1;
  if (!width) return;
  const canvas = document.createElement("canvas"), context = canvas.getContext("2d");
  const size = width < 480 ? 10 : count > 20 ? 10 : 12;
  const font = (px) => `${px}px system-ui, sans-serif`;
  context.font = font(size);
  const longest = Math.max(...run.classes.map((name) => context.measureText(name).width));
  const left = labelled ? Math.min(longest + 10, width * 0.3) : 18;
  const cell = (width - left - 2) / count, top = labelled ? Math.min(longest + 10, 160) : 18;
  const height = top + cell * count + 2;
  canvas.width = Math.round(width * ratio); canvas.height = Math.round(height * ratio);
  canvas.style.height = `${height}px`;
  context.scale(ratio, ratio);
  context.fillStyle = colors.faint;
  context.fillRect(left, top, cell * count, cell * count);
  const totals = new Array(count).fill(0);
  for (const [row, , amount] of run.confusion) totals[row] += amount;
  const gap = cell > 14 ? 1 : 0;
  for (const [row, column, amount] of run.confusion) {
    const share = amount / totals[row], strength = 0.12 + 0.88 * Math.sqrt(share);
    context.fillStyle = `rgba(${row === column ? colors.right : colors.wrong}, ${strength})`;
    context.fillRect(left + column * cell + gap / 2, top + row * cell + gap / 2, cell - gap, cell - gap);
    if (cell < 22) continue;
    context.fillStyle = strength > 0.62 ? colors.paper : colors.ink;
    context.font = font(Math.min(13, cell * 0.42)); context.textAlign = "center"; context.textBaseline = "middle";
    context.fillText(String(amount), left + (column + 0.5) * cell, top + (row + 0.5) * cell);
  }
  context.fillStyle = colors.muted; context.font = font(size); context.textBaseline = "middle";
  if (labelled) {
    context.textAlign = "right";
    run.classes.forEach((name, row) => context.fillText(fitText(context, name, left - 8), left - 6, top + (row + 0.5) * cell));
    context.textAlign = "left";
    run.classes.forEach((name, column) => {
      context.save();
      context.translate(left + (column + 0.5) * cell, top - 6); context.rotate(-Math.PI / 2);
      context.fillText(fitText(context, name, top - 8), 0, 0);
      context.restore();
    });
  } else {
    context.textAlign = "left"; context.fillText("predicted →", left, 9);
    context.save(); context.translate(9, top); context.rotate(-Math.PI / 2); context.textAlign = "right"; context.fillText("← true", 0, 0); context.restore();
  }
  const wrong = run.confusion.filter(([row, column]) => row !== column).reduce((sum, [, , amount]) => sum + amount, 0);
  const all = totals.reduce((sum, each) => sum + each, 0);
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", `Confusion matrix of ${count} classes: ${all - wrong} of ${all} samples right. The table beside it lists the most confused pairs.`);
  hoverHeat(canvas, run, { left, top, cell, count, totals });
  holder.replaceChildren(canvas);
}

function hoverHeat(canvas, run, place) {
  const amounts = new Map(run.confusion.map(([row, column, amount]) => [row * place.count + column, amount]));
  canvas.addEventListener("pointermove", (event) => {
    const box = canvas.getBoundingClientRect();
    const column = Math.floor((event.clientX - box.left - place.left) / place.cell);
    const row = Math.floor((event.clientY - box.top - place.top) / place.cell);
    if (row < 0 || column < 0 || row >= place.count || column >= place.count) { hideTip(); return; }
    const amount = amounts.get(row * place.count + column) || 0, total = place.totals[row];
    const share = total ? ` (${((100 * amount) / total).toFixed(1)} %)` : "";
    showTip(`true: ${run.classes[row]}\npredicted: ${run.classes[column]}\n${amount} of ${total}${share}`, event.clientX, event.clientY);
  });
  canvas.addEventListener("pointerleave", hideTip);
}
