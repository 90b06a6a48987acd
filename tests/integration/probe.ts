/** What a relay counts, and a connection to it that speaks no protocol yet. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import type { Relay } from "./relay.ts";

/** Asks the relay for its counters, summed over shards. */
export async function counters(relay: Relay): Promise<Map<string, number>> {
  // Shards publish four times a second.
  await new Promise((resolve) => setTimeout(resolve, 600));
  const shardCount = Number(/info (\d+) shards/.exec(relay.stderr)?.[1]);
  const before = relay.stderr.length;
  relay.signal("SIGUSR1");
  const deadline = Date.now() + 20_000;
  for (;;) {
    const lines = [...relay.stderr.slice(before).matchAll(/counters (\{.*\})\n/g)].map(
      (match) => JSON.parse(match[1] as string) as Record<string, number>,
    );
    if (lines.length >= shardCount) {
      const sums = new Map<string, number>();
      for (const line of lines) {
        for (const [name, value] of Object.entries(line)) {
          if (typeof value === "number") sums.set(name, (sums.get(name) ?? 0) + value);
        }
      }
      return sums;
    }
    assert.ok(Date.now() < deadline, "the relay logs no counters");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export async function rawConnection(relay: Relay): Promise<Socket> {
  const { hostname, port } = new URL(relay.httpUrl());
  const socket = connect(Number(port), hostname);
  socket.on("error", () => {});
  await once(socket, "connect");
  return socket;
}
