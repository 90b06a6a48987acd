/**
 * The arena: one page, one ship, one match. Wires the SDK to pilot, fleet, shots and painter.
 *
 * Joins `/v1/match/{match}` on the host that served the page; `?match=` names the match.
 */

import { type Match, TickwireError, join } from "../../src/index.ts";
import { showNetGraph } from "../../src/netgraph/index.ts";
import { SimulatedLink } from "../../src/simulate/index.ts";
import { loadName, saveName } from "../shared/name.ts";
import { hueOf } from "./colours.ts";
import { Effects } from "./effects.ts";
import { type DrawnShip, Fleet } from "./fleet.ts";
import { Hud, type RosterRow } from "./hud.ts";
import { Input } from "./input.ts";
import { Painter } from "./painter.ts";
import { Pilot } from "./pilot.ts";
import { Ship } from "./ship.ts";
import { Shots, packEvent, shotFrom, unpackEvent } from "./shots.ts";

/** No frame for so long: the page is hidden, and the ticks move the ship instead. */
const frameMissingMs = 300;
const stepSecondsMax = 0.05;
/** After a longer pause the ship has stood still: it was the page that slept. */
const catchUpMs = 250;
const numbersMs = 200;
/** Beside the ships there is room for the graph. */
const roomy = matchMedia("(min-width: 900px) and (min-height: 620px)");

const matchName = new URLSearchParams(location.search).get("match") ?? "arena";
const canvas = document.querySelector("canvas") as HTMLCanvasElement;
const painter = new Painter(canvas);
const input = new Input(canvas);
const effects = new Effects();
const shots = new Shots();
const pilot = new Pilot(loadName());
/** As it is, unless somebody at the page wants to feel a bad one. */
const link = new SimulatedLink();
const hud = new Hud({
  matchName,
  link,
  onName: (name) => {
    pilot.ship.name = name;
    saveName(name);
  },
});
let match: Match<Ship> | null = null;
let fleet: Fleet | null = null;
let drawn: DrawnShip[] = [];
let steppedAt = performance.now();
let numbersAt = 0;

hud.setName(pilot.ship.name);
hud.setStatus("connecting", null);
requestAnimationFrame(frame);
void start();

async function start(): Promise<void> {
  const url = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/v1/match/${matchName}`;
  try {
    listen(await join(url, { name: pilot.ship.name, schema: Ship, handshakesMax: 20, WebSocket: link.WebSocket }));
  } catch (error) {
    hud.setStatus("closed", error instanceof TickwireError ? error.message : String(error));
  }
}

function listen(joined: Match<Ship>): void {
  match = joined;
  fleet = new Fleet(joined);
  // Asked for at the moment of sending, and the ship flies on to that moment: fresher than the last frame's.
  joined.state(() => {
    advance(performance.now());
    return pilot.ship;
  });
  showStatus(joined, null);
  joined.on("status", ({ error }) => showStatus(joined, error));
  joined.on("tick", () => {
    const now = performance.now();
    if (now - steppedAt > frameMissingMs) advance(now);
  });
  joined.on("event", ({ from, data }) => {
    if (typeof data !== "string") onEvent(from, data);
  });
  const graph = showNetGraph(joined, { corner: "bottom-right", margin: 18, key: "KeyN" });
  graph.visible = roomy.matches;
  hud.setGraph(graph);
  // Closing the tab frees the slot at once; a page kept for the back button comes back by itself.
  addEventListener("pagehide", ({ persisted }) => persisted || joined.leave());
}

function showStatus({ status }: Match<Ship>, error: TickwireError | null): void {
  hud.setStatus(status, error?.message ?? null);
}

function onEvent(from: number, bytes: Uint8Array): void {
  const event = unpackEvent(bytes);
  if (event?.kind === "shot") {
    shots.add(from, event);
    effects.muzzle(event.x, event.y, hueOf(from));
  } else if (event?.kind === "hit") {
    shots.spend(event.by, event.x, event.y);
    effects.explode(event.x, event.y, hueOf(from));
    if (event.by === match?.player) pilot.ship.score += 1;
  }
}

function frame(now: number): void {
  requestAnimationFrame(frame);
  advance(now);
  const own = match?.player ?? 0;
  drawn = fleet?.draw(now) ?? [];
  const ships: DrawnShip[] = [...drawn, { player: own, ship: pilot.ship, presence: 1 }];
  for (const { player, ship } of ships) effects.follow(player, ship);
  painter.paint({ ships, own, shots: shots.flying, effects, stick: input.stick, nameOf, now });
  report(now, own);
  if (match !== null && now - numbersAt >= numbersMs) {
    numbersAt = now;
    hud.showAge(match);
    hud.showRoster(rosterRows(match));
  }
}

/** Moves the own ship and all that flies to `now`. */
function advance(now: number): void {
  let seconds = Math.max(0, Math.min(catchUpMs, now - steppedAt)) / 1_000;
  steppedAt = now;
  // A late frame is made up for in small steps: others rely on the velocity that they were told.
  for (; seconds > stepSecondsMax; seconds -= stepSecondsMax) step(stepSecondsMax);
  step(seconds);
}

function step(seconds: number): void {
  const { camera } = painter;
  const { ship } = pilot;
  const controls = input.read(ship.x * camera.scale + camera.offsetX, ship.y * camera.scale + camera.offsetY);
  document.body.classList.toggle("flown", document.body.classList.contains("flown") || (controls.active && !pilot.onAutopilot));
  const fired = pilot.step(seconds, controls);
  const own = match?.player ?? 0;
  if (pilot.impact > 90) effects.bump(ship.x, ship.y, hueOf(own), pilot.impact);
  shots.step(seconds);
  effects.step(seconds);
  camera.follow(ship, seconds);
  if (fired) shoot(own);
  takeHits(own);
}

function shoot(own: number): void {
  const shot = shotFrom(pilot.ship);
  shots.add(own, shot);
  effects.muzzle(shot.x, shot.y, hueOf(own));
  // A shot that cannot leave now is worth nothing later.
  if (match?.status === "connected") match.send(packEvent(shot));
}

function takeHits(own: number): void {
  const { ship } = pilot;
  if (!ship.alive || ship.shielded) return;
  const shot = shots.takeHit(ship, own);
  if (shot === null) return;
  effects.explode(ship.x, ship.y, hueOf(own));
  effects.shake = 1;
  pilot.die();
  if (match?.status === "connected") match.send(packEvent({ kind: "hit", by: shot.player, x: ship.x, y: ship.y }));
}

function nameOf(player: number): string {
  const own = player === (match?.player ?? 0);
  const typed = own ? pilot.ship.name : fleet?.newest(player)?.name;
  return typed || match?.players.get(player)?.name || `Player ${player}`;
}

function rosterRows({ players, player: own, host }: Match<Ship>): RosterRow[] {
  return [...players.values()].map(({ player, away }) => ({
    player,
    name: nameOf(player),
    score: player === own ? pilot.ship.score : (fleet?.newest(player)?.score ?? 0),
    own: player === own,
    host: player === host,
    away,
  })).sort((a, b) => b.score - a.score || a.player - b.player);
}

/** For tests: what this page shows right now. `at` is in milliseconds of the machine's clock. */
function report(now: number, own: number): void {
  const { x, y, heading, alive, life } = pilot.ship;
  const others: { [player: number]: { x: number; y: number; name: string; alive: boolean; presence: number } } = {};
  for (const { player, ship, presence } of drawn) {
    others[player] = { x: ship.x, y: ship.y, name: nameOf(player), alive: ship.alive, presence };
  }
  (window as unknown as { tickwireDemo: unknown }).tickwireDemo = {
    at: performance.timeOrigin + now,
    player: match === null ? null : own,
    status: match?.status ?? "connecting",
    tick: match?.tick ?? 0,
    tickHz: match?.tickHz ?? 0,
    own: { x, y, heading, alive, life, name: pilot.ship.name },
    others,
    shots: shots.flying.length,
    stats: match?.stats ?? null,
  };
}
