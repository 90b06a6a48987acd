/**
 * The package `tickwire/netgraph`: an overlay that shows how the connection does.
 *
 *     const graph = showNetGraph(match, { corner: "top-right", key: "KeyN" });
 *     graph.visible = false;
 *     graph.remove();
 *
 * One canvas, a few times a second; it reads `match.stats` and listens, and no more. Each bar is
 * a tick: how old the others' states were when it came. A gap is silence, a red bar a tick that the relay
 * kept from this connection because it was too slow; the dashed line is how far back others are drawn.
 */

import type { Match } from "../match.ts";
import { timelineOf } from "../timeline.ts";
import { type Bar, height, paint, width, windowMs } from "./paint.ts";
import { rowsOf } from "./rows.ts";

export type NetGraphCorner = "top-left" | "top-right" | "bottom-left" | "bottom-right";

export interface NetGraphOptions {
  /** Default: the page's body. */
  parent?: HTMLElement;
  /** Of the window. Default `top-right`. */
  corner?: NetGraphCorner;
  /** CSS pixels to the edges. Default 12. */
  margin?: number;
  /** A `KeyboardEvent.code` that shows and hides it, except while somebody types. Default none. */
  key?: string;
}

export interface NetGraph {
  readonly canvas: HTMLCanvasElement;
  visible: boolean;
  /** Takes it out of the page and off the match. */
  remove(): void;
}

/** What of a match is looked at. */
export type WatchedMatch<State> = Pick<Match<State>, "stats" | "status" | "player" | "on" | "timeline" | "tickHz">;

const frameMs = 66;

export function showNetGraph<State>(match: WatchedMatch<State>, { parent = document.body, corner = "top-right", margin = 12, key }: NetGraphOptions = {}): NetGraph {
  timelineOf(match);
  const canvas = document.createElement("canvas");
  const ratio = Math.min(3, devicePixelRatio || 1);
  canvas.width = width * ratio;
  canvas.height = height * ratio;
  canvas.setAttribute("role", "img");
  const [vertical, horizontal] = corner.split("-") as [string, string];
  canvas.style.cssText = `position:fixed;${vertical}:${margin}px;${horizontal}:${margin}px;width:${width}px;height:${height}px;z-index:2147483000;pointer-events:none`;
  parent.append(canvas);
  const context = canvas.getContext("2d");
  const bars: Bar[] = [];
  let skipped = match.stats.skippedTicks;
  let paintedAt = 0;
  let frame = 0;

  const unlisten = match.on("tick", ({ states }) => {
    const at = performance.now();
    const { skippedTicks } = match.stats;
    let age: number | null = null;
    for (const [player, state] of states) if (player !== match.player) age = Math.max(age ?? 0, state.age);
    bars.push({ at, ageMs: age, skipped: skippedTicks > skipped });
    skipped = skippedTicks;
    while (bars[0] !== undefined && bars[0].at < at - windowMs) bars.shift();
  });

  const draw = (now: number): void => {
    frame = requestAnimationFrame(draw);
    if (context === null || canvas.hidden || now - paintedAt < frameMs) return;
    paintedAt = now;
    const { stats, status } = match;
    const rows = rowsOf(stats, now);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    paint(context, { bars, rows, status, stats, now });
    canvas.ariaLabel = rows.map(([name, value]) => `${name} ${value}`).join(", ");
  };

  const graph: NetGraph = {
    canvas,
    get visible() {
      return !canvas.hidden;
    },
    set visible(visible) {
      canvas.hidden = !visible;
    },
    remove() {
      unlisten();
      cancelAnimationFrame(frame);
      removeEventListener("keydown", onKey);
      canvas.remove();
    },
  };

  function onKey(event: KeyboardEvent): void {
    const { target } = event;
    const typing = target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
    if (event.code === key && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) graph.visible = !graph.visible;
  }

  if (key !== undefined) addEventListener("keydown", onKey);
  frame = requestAnimationFrame(draw);
  return graph;
}
