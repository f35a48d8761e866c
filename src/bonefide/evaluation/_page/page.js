// SPDX-License-Identifier: Apache-2.0
"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const tip = document.getElementById("tip");
const articles = [...document.querySelectorAll("article.run")];
const started = new Map();
let players = [];

function showTip(text, x, y) {
  tip.textContent = text; tip.hidden = false;
  const box = tip.getBoundingClientRect(), room = document.documentElement.clientWidth;
  tip.style.left = `${x + 14 + box.width > room ? Math.max(4, x - box.width - 14) : x + 14}px`;
  tip.style.top = `${Math.max(4, Math.min(y + 10, window.innerHeight - box.height - 4))}px`;
}
function hideTip() { tip.hidden = true; }

function drawRun(article) {
  const run = data.runs[article.dataset.run];
  for (const holder of article.querySelectorAll("[data-chart]")) drawChart(holder, run);
  for (const holder of article.querySelectorAll("[data-heat]")) drawHeat(holder, run);
  for (const holder of article.querySelectorAll("[data-calibration]")) drawCalibration(holder, run);
  for (const holder of article.querySelectorAll("[data-features]")) drawFeatures(holder, run);
  if (!started.has(article)) started.set(article, startPlayers(article, data));
  players = started.get(article);
  for (const player of players) player.draw();
}

function chooseRun(index) {
  for (const article of articles) article.hidden = article.dataset.run !== String(index);
  hideTip();
  const shown = articles.find((article) => !article.hidden);
  if (shown) drawRun(shown);
}

function redraw() { const shown = articles.find((article) => !article.hidden); if (shown) drawRun(shown); }

function animate(now) { for (const player of players) player.tick(now); window.requestAnimationFrame(animate); }

document.documentElement.classList.add("js");
if (articles.length) {
  const select = document.getElementById("run");
  if (select) { select.parentNode.hidden = false; select.addEventListener("change", () => chooseRun(select.value)); }
  chooseRun(select ? select.value : articles[0].dataset.run);
  let width = window.innerWidth;
  window.addEventListener("resize", () => { if (window.innerWidth !== width) { width = window.innerWidth; redraw(); } });
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  window.addEventListener("scroll", hideTip, { passive: true });
  window.requestAnimationFrame(animate);
}
