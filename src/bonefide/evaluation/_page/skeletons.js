// SPDX-License-Identifier: Apache-2.0
"use strict";
const STILL = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
const YAW = 0.4, ABSENT = -32768;

function unpack(packed, skeleton) {
  const bytes = Uint8Array.from(atob(packed.numbers), (letter) => letter.charCodeAt(0));
  const view = new DataView(bytes.buffer), numbers = new Float32Array(bytes.length / 2);
  for (let at = 0; at < numbers.length; at += 1) {
    const value = view.getInt16(2 * at, true);
    numbers[at] = value === ABSENT ? NaN : value / skeleton.unit;
  }
  return numbers;
}

class Player {
  constructor(element, packed, skeleton) {
    this.canvas = element.querySelector("canvas"); this.button = element.querySelector("button"); this.slider = element.querySelector("input");
    this.packed = packed; this.skeleton = skeleton; this.points = unpack(packed, skeleton);
    this.yaw = packed.flat ? 0 : YAW; this.frame = Math.floor(packed.frames / 2); this.playing = false; this.visible = false; this.clock = 0;
    this.seconds = Math.min(6, Math.max(1.2, packed.of / 30));
    this.slider.max = packed.frames - 1; this.slider.value = this.frame;
    this.button.addEventListener("click", () => this.play(!this.playing));
    this.slider.addEventListener("input", () => { this.play(false); this.frame = Number(this.slider.value); this.draw(); });
    this.turnable();
  }

  turnable() {
    let from = null;
    this.canvas.addEventListener("pointerdown", (event) => { from = event.clientX; this.canvas.setPointerCapture(event.pointerId); });
    this.canvas.addEventListener("pointermove", (event) => {
      if (from === null) return;
      this.turn((event.clientX - from) * 0.012); from = event.clientX;
    });
    for (const name of ["pointerup", "pointercancel"]) this.canvas.addEventListener(name, () => { from = null; });
    this.canvas.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -0.15, ArrowRight: 0.15 }[event.key];
      if (step) { event.preventDefault(); this.turn(step); }
    });
  }

  turn(angle) { this.yaw += angle; this.bounds = null; this.draw(); }

  play(on) {
    this.playing = on; this.clock = performance.now() - (this.frame / this.packed.frames) * this.seconds * 1000;
    this.button.textContent = on ? "❚❚" : "▶";
    this.button.setAttribute("aria-label", `${on ? "Pause" : "Play"} ${this.canvas.closest("li").dataset.name}`);
  }

  tick(now) {
    if (!this.playing || !this.visible) return;
    const share = ((now - this.clock) / (this.seconds * 1000)) % 1;
    const frame = Math.min(this.packed.frames - 1, Math.floor((share < 0 ? share + 1 : share) * this.packed.frames));
    if (frame === this.frame) return;
    this.frame = frame; this.slider.value = frame; this.draw();
  }

  at(person, frame, joint) {
    const start = ((person * this.packed.frames + frame) * this.skeleton.joints + joint) * 3;
    const x = this.points[start], z = this.points[start + 2];
    return [x * Math.cos(this.yaw) + z * Math.sin(this.yaw), this.points[start + 1]];
  }

  fit() {
    if (this.bounds) return this.bounds;
    let [left, right, low, high] = [Infinity, -Infinity, Infinity, -Infinity];
    for (let at = 0; at < this.points.length; at += 3) {
      const x = this.points[at] * Math.cos(this.yaw) + this.points[at + 2] * Math.sin(this.yaw), y = this.points[at + 1];
      if (!(Math.abs(x) < 1.8) || !(Math.abs(y) < 1.3)) continue;
      left = Math.min(left, x); right = Math.max(right, x); low = Math.min(low, y); high = Math.max(high, y);
    }
    this.bounds = left <= right ? { x: (left + right) / 2, y: (low + high) / 2, low, reach: Math.max(right - left, high - low, 0.1) / 2 } : { x: 0, y: 0, low: -1, reach: 1 };
    return this.bounds;
  }

  draw() {
    const ratio = window.devicePixelRatio || 1, size = this.canvas.clientWidth;
    if (!size) return;
    if (this.canvas.width !== Math.round(size * ratio)) this.canvas.width = this.canvas.height = Math.round(size * ratio);
    const context = this.canvas.getContext("2d"), style = getComputedStyle(document.documentElement);
    const fit = this.fit(), scale = (size / 2 - 14) / fit.reach;
    const place = ([x, y]) => [size / 2 + (x - fit.x) * scale, size / 2 - (y - fit.y) * scale];
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, size, size);
    const ground = place([0, fit.low])[1] + 5;
    context.strokeStyle = style.getPropertyValue("--rule"); context.lineWidth = 1;
    context.beginPath(); context.moveTo(size * 0.08, ground); context.lineTo(size * 0.92, ground); context.stroke();
    context.lineCap = "round";
    for (let person = 0; person < this.packed.persons; person += 1) this.drawPerson(context, style, person, place);
  }

  drawPerson(context, style, person, place) {
    const who = person % 2 ? "two" : "one", sides = this.skeleton.sides;
    const color = (side) => style.getPropertyValue(`--${who}-${["middle", "left", "right"][side]}`);
    for (const [child, parent] of this.skeleton.bones) {
      const from = this.at(person, this.frame, child), to = this.at(person, this.frame, parent);
      if (Number.isNaN(from[0] + to[0])) continue;
      context.strokeStyle = color(sides[child] || sides[parent]); context.lineWidth = 2.75;
      context.beginPath(); context.moveTo(...place(from)); context.lineTo(...place(to)); context.stroke();
    }
    for (let joint = 0; joint < this.skeleton.joints; joint += 1) {
      const point = this.at(person, this.frame, joint);
      if (Number.isNaN(point[0])) continue;
      context.fillStyle = color(sides[joint]);
      context.beginPath(); context.arc(...place(point), joint === this.skeleton.head ? 5 : 2.4, 0, 2 * Math.PI); context.fill();
    }
  }
}

function startPlayers(article, data) {
  const players = [...article.querySelectorAll(".player")].map((element) => new Player(element, data.sequences[element.dataset.name], data.skeleton));
  if (!players.length) return players;
  const seen = new IntersectionObserver((changes) => {
    for (const change of changes) {
      const player = players.find((each) => each.canvas === change.target);
      player.visible = change.isIntersecting;
      if (player.visible) player.draw();
    }
  });
  const button = article.querySelector(".all");
  const label = () => { button.textContent = players.some((each) => each.playing) ? "Pause all" : "Play all"; };
  for (const player of players) { seen.observe(player.canvas); player.play(!STILL); player.button.addEventListener("click", label); }
  button.hidden = false; label();
  button.addEventListener("click", () => { const on = !players.some((each) => each.playing); for (const player of players) player.play(on); label(); });
  return players;
}
