/** One frame: grass, lines, goals, discs, ball in the field's units; names and crowns upright on the screen. */

import { type Moving, type Side, ballRadius, discRadius, field, sideOf } from "./field.ts";
import type { View } from "./view.ts";

export interface DrawnDisc extends Moving {
  player: number;
  name: string;
  own: boolean;
  host: boolean;
  away: boolean;
}

export interface Scene {
  discs: readonly DrawnDisc[];
  ball: Moving;
  now: number;
}

interface Flash {
  x: number;
  y: number;
  at: number;
  colour: string;
  reach: number;
}

export const sideColours = ["#1a9fd0", "#ef6445"] as const;
const ratioMax = 2.5;
const flashMs = 900;
const trailMs = 260;
const font = 'system-ui, -apple-system, "Segoe UI", Roboto, sans-serif';

export class Painter {
  readonly #canvas: HTMLCanvasElement;
  readonly #context: CanvasRenderingContext2D;
  readonly #view: View;
  readonly #dark = matchMedia("(prefers-color-scheme: dark)");
  #ratio = 1;
  #flashes: Flash[] = [];
  #trail: { x: number; y: number; at: number }[] = [];

  constructor(canvas: HTMLCanvasElement, view: View) {
    const context = canvas.getContext("2d");
    if (context === null) throw new Error("this browser has no canvas");
    this.#canvas = canvas;
    this.#context = context;
    this.#view = view;
    new ResizeObserver(() => this.#resize()).observe(canvas);
    this.#resize();
  }

  goal(side: Side, now: number): void {
    this.#flashes.push({ x: side === 0 ? 0 : field.width, y: field.height / 2, at: now, colour: sideColours[side === 0 ? 1 : 0], reach: 420 });
  }

  /** Where the office has moved to. */
  newHost({ x, y }: Moving, now: number): void {
    this.#flashes.push({ x, y, at: now, colour: "#ffc04d", reach: 150 });
  }

  paint({ discs, ball, now }: Scene): void {
    const context = this.#context;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, this.#canvas.width, this.#canvas.height);
    this.#view.apply(context, this.#ratio);
    this.#paintField();
    this.#paintFlashes(now);
    this.#paintTrail(ball, now);
    for (const disc of discs) this.#paintDisc(disc);
    this.#paintBall(ball);
    context.setTransform(this.#ratio, 0, 0, this.#ratio, 0, 0);
    for (const disc of discs) this.#paintName(disc);
  }

  #resize(): void {
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    this.#ratio = Math.min(devicePixelRatio || 1, ratioMax);
    this.#canvas.width = Math.max(1, Math.round(width * this.#ratio));
    this.#canvas.height = Math.max(1, Math.round(height * this.#ratio));
    this.#view.resize(width, height);
  }

  #paintField(): void {
    const context = this.#context;
    const dark = this.#dark.matches;
    const { width, height, goal, corner } = field;
    context.beginPath();
    rounded(context, 0, 0, width, height, corner);
    context.fillStyle = dark ? "#10231f" : "#dfeee5";
    context.fill();
    context.save();
    context.clip();
    context.fillStyle = dark ? "rgb(255 255 255 / 0.022)" : "rgb(255 255 255 / 0.38)";
    for (let x = 0; x < width; x += 200) context.fillRect(x, 0, 100, height);
    context.restore();
    context.strokeStyle = dark ? "rgb(214 240 228 / 0.3)" : "#ffffff";
    context.lineWidth = 4;
    context.stroke();
    context.beginPath();
    context.moveTo(width / 2, 0);
    context.lineTo(width / 2, height);
    context.moveTo(width / 2 + 110, height / 2);
    context.arc(width / 2, height / 2, 110, 0, Math.PI * 2);
    context.stroke();
    for (const side of [0, 1] as const) {
      const x = side === 0 ? 0 : width;
      context.beginPath();
      context.arc(x, height / 2, goal * 0.78, -Math.PI / 2, Math.PI / 2, side === 1);
      context.stroke();
      // The net, and the line that matters.
      context.fillStyle = `${sideColours[side]}38`;
      context.fillRect(side === 0 ? -30 : width, (height - goal) / 2, 30, goal);
      context.fillStyle = sideColours[side];
      context.fillRect(x - 5, (height - goal) / 2, 10, goal);
    }
  }

  #paintFlashes(now: number): void {
    const context = this.#context;
    this.#flashes = this.#flashes.filter(({ at }) => now - at < flashMs);
    for (const { x, y, at, colour, reach } of this.#flashes) {
      const share = (now - at) / flashMs;
      context.globalAlpha = 1 - share;
      context.strokeStyle = colour;
      for (const lag of [0, 0.16]) {
        const grown = Math.max(0, share - lag);
        context.lineWidth = 2 + 12 * (1 - share);
        context.beginPath();
        context.arc(x, y, reach * (1 - (1 - grown) ** 3), 0, Math.PI * 2);
        context.stroke();
      }
    }
    context.globalAlpha = 1;
  }

  #paintTrail({ x, y }: Moving, now: number): void {
    const context = this.#context;
    const newest = this.#trail.at(-1);
    // A kick-off is not a line across the field.
    if (newest !== undefined && Math.hypot(newest.x - x, newest.y - y) > 150) this.#trail = [];
    this.#trail.push({ x, y, at: now });
    this.#trail = this.#trail.filter(({ at }) => now - at < trailMs);
    context.strokeStyle = this.#dark.matches ? "#ffffff" : "#35506b";
    for (const [index, to] of this.#trail.entries()) {
      const from = this.#trail[index - 1] ?? to;
      const fresh = 1 - (now - to.at) / trailMs;
      context.globalAlpha = 0.32 * fresh * fresh;
      context.lineWidth = ballRadius * 2 * (0.3 + 0.6 * fresh);
      context.beginPath();
      context.moveTo(from.x, from.y);
      context.lineTo(to.x, to.y);
      context.stroke();
    }
    context.globalAlpha = 1;
  }

  #paintDisc({ x, y, player, own, away }: DrawnDisc): void {
    const context = this.#context;
    context.globalAlpha = away ? 0.35 : 1;
    disc(context, x, y + 5, discRadius, "rgb(0 0 0 / 0.16)");
    disc(context, x, y, discRadius, sideColours[sideOf(player)]);
    context.lineWidth = own ? 5 : 2.5;
    context.strokeStyle = own ? "#ffffff" : "rgb(255 255 255 / 0.45)";
    context.beginPath();
    context.arc(x, y, discRadius - (own ? 7 : 9), 0, Math.PI * 2);
    context.stroke();
    context.globalAlpha = 1;
  }

  #paintBall({ x, y }: Moving): void {
    const context = this.#context;
    disc(context, x, y + 4, ballRadius, "rgb(0 0 0 / 0.2)");
    disc(context, x, y, ballRadius, "#ffffff");
    context.lineWidth = 2.5;
    context.strokeStyle = "rgb(11 19 36 / 0.5)";
    context.stroke();
  }

  #paintName({ x: fieldX, y: fieldY, name, own, host, away }: DrawnDisc): void {
    const context = this.#context;
    const { x, y } = this.#view.toScreen(fieldX, fieldY);
    const reach = discRadius * this.#view.scale;
    context.globalAlpha = away ? 0.5 : 1;
    context.font = `${own ? 650 : 550} 13px ${font}`;
    context.textAlign = "center";
    context.lineJoin = "round";
    context.lineWidth = 4;
    context.strokeStyle = this.#dark.matches ? "rgb(6 14 12 / 0.75)" : "rgb(255 255 255 / 0.8)";
    context.fillStyle = this.#dark.matches ? "#eef4ff" : "#13202f";
    const words = away ? `${name} (away)` : name;
    const half = context.measureText(words).width / 2 + 4;
    const centre = Math.max(half, Math.min(this.#view.width - half, x));
    context.strokeText(words, centre, y + reach + 17);
    context.fillText(words, centre, y + reach + 17);
    if (host) crown(context, x, y - reach - 6);
    context.globalAlpha = 1;
  }
}

function disc(context: CanvasRenderingContext2D, x: number, y: number, radius: number, colour: string): void {
  context.fillStyle = colour;
  context.beginPath();
  context.arc(x, y, radius, 0, Math.PI * 2);
  context.fill();
}

/** On whoever runs the ball. */
function crown(context: CanvasRenderingContext2D, x: number, y: number): void {
  context.fillStyle = "#ffb833";
  context.strokeStyle = "rgb(80 45 0 / 0.55)";
  context.lineWidth = 1;
  context.beginPath();
  for (const [dx, dy] of [[-11, 0], [-12, -12], [-5, -6], [0, -15], [5, -6], [12, -12], [11, 0]] as const) context.lineTo(x + dx, y + dy);
  context.closePath();
  context.fill();
  context.stroke();
}

// Not `roundRect`, which is younger than some phones.
function rounded(context: CanvasRenderingContext2D, left: number, top: number, right: number, bottom: number, radius: number): void {
  context.moveTo(left + radius, top);
  context.arcTo(right, top, right, bottom, radius);
  context.arcTo(right, bottom, left, bottom, radius);
  context.arcTo(left, bottom, left, top, radius);
  context.arcTo(left, top, right, top, radius);
  context.closePath();
}
