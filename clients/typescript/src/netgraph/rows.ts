/** The numbers as text: what a person reads off the graph, and a screen reader too. */

import type { Stats } from "../stats.ts";

export type Row = readonly [name: string, value: string];

export function rowsOf(stats: Stats, now: number): Row[] {
  const { lastReconnect } = stats;
  return [
    ["round trip", ms(stats.roundTripMs)],
    ["state age", ms(stats.stateAgeMs)],
    ["tick jitter", ms(stats.tickJitterMs)],
    ["interpolation", ms(stats.interpolationDelayMs)],
    ["in", rate(stats.bytesInPerSecond)],
    ["out", rate(stats.bytesOutPerSecond)],
    ["skipped ticks", String(stats.skippedTicks)],
    ["divisor", String(stats.divisor)],
    ["reconnect", lastReconnect === null ? "none" : `${ago(now - lastReconnect.at)} ago, took ${(lastReconnect.ms / 1_000).toFixed(1)} s`],
  ];
}

function ms(value: number | null): string {
  return value === null ? "–" : `${value.toFixed(value < 10 ? 1 : 0)} ms`;
}

function rate(bytes: number): string {
  return bytes < 1_000 ? `${bytes.toFixed(0)} B/s` : `${(bytes / 1_000).toFixed(1)} kB/s`;
}

function ago(elapsedMs: number): string {
  const seconds = Math.max(0, elapsedMs / 1_000);
  if (seconds < 90) return `${seconds.toFixed(0)} s`;
  return seconds < 5_400 ? `${(seconds / 60).toFixed(0)} min` : `${(seconds / 3_600).toFixed(0)} h`;
}
