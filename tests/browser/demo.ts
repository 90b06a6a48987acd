/** What the arena demo tells about itself (`window.tickwireDemo`), and how the tests ask for it. */

import { type Gap, lateMs } from "./canary.ts";
import type { Page } from "./tools.ts";

export interface Demo {
  /** Milliseconds of the machine's clock, the same in all pages. */
  at: number;
  player: number | null;
  status: string;
  tick: number;
  tickHz: number;
  shots: number;
  own: { x: number; y: number; heading: number; alive: boolean; life: number; name: string };
  others: { [player: string]: { x: number; y: number; name: string; alive: boolean; presence: number } };
  stats: { reconnects: number; ticks: number } | null;
}

export function demoOf(page: Page): Promise<Demo | null> {
  return page.evaluate(() => (window as unknown as { tickwireDemo?: Demo }).tickwireDemo ?? null);
}

/** Asks until `condition` holds; the error says what was seen last. */
export async function until(page: Page, what: string, condition: (demo: Demo) => boolean, timeoutMs = 10_000): Promise<Demo> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const demo = await demoOf(page);
    if (demo !== null && condition(demo)) return demo;
    if (Date.now() > deadline) throw new Error(`not in ${timeoutMs} ms: ${what}; last seen: ${JSON.stringify(demo)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** What a page showed, frame by frame, and when it was held up: a timer of its own as a witness. */
export interface Recording {
  frames: Demo[];
  stalls: Gap[];
}

/** One value of `tickwireDemo` for each frame of `ms` milliseconds. */
export function record(page: Page, ms: number): Promise<Recording> {
  return page.evaluate(async ([duration, lateMs]) => {
    const frames: Demo[] = [];
    const stalls: Gap[] = [];
    const wallClock = (): number => performance.timeOrigin + performance.now();
    let beatAt = wallClock();
    const beat = setInterval(() => {
      const now = wallClock();
      if (now - beatAt > lateMs) stalls.push({ from: beatAt, to: now });
      beatAt = now;
    }, 8);
    const end = performance.now() + duration;
    while (performance.now() < end) {
      await new Promise((resolve) => requestAnimationFrame(resolve));
      const { tickwireDemo } = window as unknown as { tickwireDemo: Demo };
      if (frames.at(-1)?.at !== tickwireDemo.at) frames.push({ ...tickwireDemo, stats: null });
    }
    clearInterval(beat);
    return { frames, stalls };
  }, [ms, lateMs] as const);
}
