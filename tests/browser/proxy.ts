/**
 * A TCP proxy that makes a link as bad as a test wants it: slow, jittery, stalled, narrow, cut.
 *
 * True to TCP: bytes keep their order, none is lost, and what is lost below shows as a stall. A cut is
 * what a lost network leaves in the end: an RST, with no WebSocket close and no TLS goodbye. Each
 * direction holds at most `heldMax` bytes; then it stops reading, and the sender feels it.
 */

import { type AddressInfo, type Socket, connect, createServer } from "node:net";

export interface Link {
  /** Each way. */
  latencyMs?: number;
  /** Up to so much more, uniformly; what comes later never overtakes. */
  jitterMs?: number;
  /** Each way, of what TCP carries: heads of its own packets are not counted. */
  bitsPerSecond?: number;
}

export interface Proxy {
  port: number;
  /** The link from now on, for the connections that there are and for new ones. */
  shape(link: Link): void;
  /** Nothing moves for so long, and nothing is lost. */
  stall(ms: number): void;
  /** Resets every connection there is, towards both sides, and every new one for `ms`. Returns how many there were. */
  cut(ms?: number): number;
  stop(): Promise<void>;
}

/** A middling router's queue; with the kernel's buffers there is more of it on each side. */
const heldMax = 16 * 1_024;
/** Written at a time where the rate is limited: 32 kbit/s then move in steps of 64 ms. */
const sliceSize = 256;

export async function startProxy(targetPort: number): Promise<Proxy> {
  const pairs = new Set<readonly [Socket, Socket]>();
  const state: State = { link: {}, stalledUntil: 0 };
  let cutUntil = 0;
  const server = createServer((inner) => {
    inner.on("error", () => {});
    if (performance.now() < cutUntil) {
      inner.resetAndDestroy();
      return;
    }
    const outer = connect(targetPort, "127.0.0.1");
    const pair = [inner, outer] as const;
    pairs.add(pair);
    for (const [from, to] of [[inner, outer], [outer, inner]] as const) {
      from.setNoDelay(true);
      carry(from, to, state);
      from.on("error", () => to.destroy());
      from.on("close", () => pairs.delete(pair));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const cut = (ms = 0): number => {
    const count = pairs.size;
    cutUntil = performance.now() + ms;
    for (const [inner, outer] of pairs) {
      inner.resetAndDestroy();
      outer.resetAndDestroy();
    }
    pairs.clear();
    return count;
  };
  return {
    port: (server.address() as AddressInfo).port,
    shape: (link) => void (state.link = link),
    stall: (ms) => void (state.stalledUntil = performance.now() + ms),
    cut,
    stop: () => {
      cut();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

interface State {
  link: Link;
  stalledUntil: number;
}

/** One direction: a queue of chunks, each with the time before which it must not go on. */
function carry(from: Socket, to: Socket, state: State): void {
  const queue: { chunk: Buffer; due: number }[] = [];
  let held = 0;
  let lastDue = 0;
  let freeAt = 0;
  let ended = false;
  let timer: NodeJS.Timeout | null = null;

  const pump = (): void => {
    timer = null;
    for (let head = queue[0]; head !== undefined && !to.destroyed; head = queue[0]) {
      const now = performance.now();
      const waitMs = Math.max(head.due, freeAt, state.stalledUntil) - now;
      if (waitMs > 0) {
        timer = setTimeout(pump, waitMs);
        return;
      }
      const { bitsPerSecond } = state.link;
      const piece = bitsPerSecond === undefined ? head.chunk : head.chunk.subarray(0, sliceSize);
      head.chunk = head.chunk.subarray(piece.length);
      if (head.chunk.length === 0) queue.shift();
      // From when it was free and not from now: a late timer is made up for.
      if (bitsPerSecond !== undefined) freeAt = Math.max(freeAt, now - 50) + (piece.length * 8_000) / bitsPerSecond;
      held -= piece.length;
      to.write(piece);
      if (held < heldMax && from.isPaused()) from.resume();
    }
    if (ended && queue.length === 0) to.end();
  };

  from.on("data", (chunk: Buffer) => {
    const { latencyMs = 0, jitterMs = 0 } = state.link;
    lastDue = Math.max(lastDue, performance.now() + latencyMs + Math.random() * jitterMs);
    queue.push({ chunk, due: lastDue });
    held += chunk.length;
    if (held >= heldMax) from.pause();
    if (timer === null) pump();
  });
  from.on("end", () => {
    ended = true;
    if (timer === null) pump();
  });
  from.on("close", () => {
    if (timer !== null) clearTimeout(timer);
    if (!ended || queue.length > 0) to.destroy();
  });
}
