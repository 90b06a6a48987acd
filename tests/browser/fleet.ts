/** Ships without pages: Node clients that fly circles in the arena, as many as a test wants. */

import { Ship, world } from "../../clients/typescript/demo/arena/ship.ts";
import { type Match, join } from "../../clients/typescript/src/index.ts";

export interface FleetOfBots {
  matches: readonly Match<Ship>[];
  stop(): void;
}

export async function startFleet(url: string, count: number): Promise<FleetOfBots> {
  const matches = await Promise.all(Array.from({ length: count }, (_, index) => join(url, { name: `Bot ${index}`, schema: Ship, handshakesMax: 20 })));
  const fly = setInterval(() => {
    const seconds = performance.now() / 1_000;
    for (const [index, match] of matches.entries()) match.state(shipAt(index, count, seconds));
  }, 1_000 / 30);
  return {
    matches,
    stop: () => {
      clearInterval(fly);
      for (const match of matches) match.leave();
    },
  };
}

function shipAt(index: number, count: number, seconds: number): Ship {
  const turn = (index / count) * Math.PI * 2;
  const pace = 0.25 + (index % 5) * 0.06;
  const radius = 120 + (index % 7) * 70;
  const angle = turn + seconds * pace;
  return {
    x: world.width / 2 + Math.cos(angle) * radius * 1.4, y: world.height / 2 + Math.sin(angle) * radius,
    vx: -Math.sin(angle) * radius * 1.4 * pace, vy: Math.cos(angle) * radius * pace,
    heading: Math.atan2(Math.cos(angle), -Math.sin(angle) * 1.4), thrusting: index % 2 === 0,
    alive: true, shielded: false, life: 0, score: index, name: `Bot ${index}`,
  };
}
