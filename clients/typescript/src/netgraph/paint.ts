/** One picture of the graph, in CSS pixels. */

import type { Status } from "../options.ts";
import type { Stats } from "../stats.ts";
import type { Row } from "./rows.ts";

export interface Bar {
  at: number;
  /** The oldest of the others' states that the tick brought; null where it brought none. */
  ageMs: number | null;
  /** The relay kept ticks back before this one. */
  skipped: boolean;
}

export interface Picture {
  bars: readonly Bar[];
  rows: readonly Row[];
  status: Status;
  stats: Stats;
  now: number;
}

/** How much of the past the bars show. */
export const windowMs = 6_000;
export const width = 280;
export const height = 196;
const edge = 12;
const plot = { top: 34, height: 52, width: width - 2 * edge };
const rowHeight = 17;
const barWidth = 2;
const font = 'system-ui, -apple-system, "Segoe UI", Roboto, sans-serif';
const lamps: { [status in Status]: string } = { connecting: "#ffc357", connected: "#4ee6a4", reconnecting: "#ffc357", closed: "#ff6b7d" };

export function paint(context: CanvasRenderingContext2D, { bars, rows, status, stats, now }: Picture): void {
  context.clearRect(0, 0, width, height);
  box(context, 0, 0, width, height, 12);
  context.fillStyle = "rgb(9 13 26 / 0.82)";
  context.fill();
  context.strokeStyle = "rgb(150 180 255 / 0.16)";
  context.lineWidth = 1;
  context.stroke();

  context.fillStyle = lamps[status];
  context.beginPath();
  context.arc(edge + 4, 18, 4, 0, 7);
  context.fill();
  text(context, status, edge + 15, 22, "#e8eefc", "600 12px");
  text(context, `${stats.ticksPerSecond.toFixed(0)} ticks/s`, width - edge, 22, "#8d9cc0", "12px", "right");

  paintBars(context, bars, stats.interpolationDelayMs ?? 0, now);

  for (const [index, [name, value]] of rows.entries()) {
    // Two to a line, but the last has a line of its own.
    const left = edge + (index % 2) * (plot.width / 2 + 4);
    const right = index === rows.length - 1 ? width - edge : left + plot.width / 2 - 4;
    const y = plot.top + plot.height + 20 + (index >> 1) * rowHeight;
    text(context, name, left, y, "#8d9cc0", "11px");
    text(context, value, right, y, "#e8eefc", "600 11px", "right");
  }
}

function paintBars(context: CanvasRenderingContext2D, bars: readonly Bar[], delayMs: number, now: number): void {
  const oldest = bars.reduce((most, { ageMs }) => Math.max(most, ageMs ?? 0), delayMs);
  // Steps, so that the scale does not breathe with every tick.
  const top = [50, 100, 200, 400, 800, 1_600, 3_200].find((step) => step >= oldest * 1.05) ?? 6_400;
  const bottom = plot.top + plot.height;
  const y = (value: number): number => bottom - (Math.min(value, top) / top) * plot.height;
  context.fillStyle = "rgb(150 180 255 / 0.06)";
  context.fillRect(edge, plot.top, plot.width, plot.height);
  for (const { at, ageMs, skipped } of bars) {
    const x = edge + plot.width - ((now - at) / windowMs) * plot.width;
    if (x < edge || x > edge + plot.width) continue;
    context.fillStyle = skipped ? "#ff6b7d" : (ageMs ?? 0) > 2 * delayMs + 50 ? "#ffc357" : "#5ee2ff";
    // A tick without anybody else's state is a dot on the ground.
    const from = skipped ? plot.top : y(ageMs ?? 0) - 1;
    context.fillRect(x - barWidth / 2, from, barWidth, bottom - from);
  }
  context.strokeStyle = "rgb(255 255 255 / 0.5)";
  context.setLineDash([3, 3]);
  context.beginPath();
  context.moveTo(edge, y(delayMs));
  context.lineTo(edge + plot.width, y(delayMs));
  context.stroke();
  context.setLineDash([]);
  text(context, `${top} ms`, edge + 4, plot.top + 12, "rgb(200 214 246 / 0.55)", "10px");
}

function text(context: CanvasRenderingContext2D, words: string, x: number, y: number, colour: string, size: string, align: CanvasTextAlign = "left"): void {
  context.font = `${size} ${font}`;
  context.textAlign = align;
  context.fillStyle = colour;
  context.fillText(words, x, y);
}

// Not `roundRect`, which is younger than some phones.
function box(context: CanvasRenderingContext2D, left: number, top: number, right: number, bottom: number, radius: number): void {
  context.beginPath();
  context.moveTo(left + radius, top);
  context.arcTo(right, top, right, bottom, radius);
  context.arcTo(right, bottom, left, bottom, radius);
  context.arcTo(left, bottom, left, top, radius);
  context.arcTo(left, top, right, top, radius);
  context.closePath();
}
