/**
 * A ball game that no server runs: the relay says who is host, and the host's page decides about the ball
 * and the goals. When that page goes, the relay names another one, and it goes on from what it knows.
 *
 * The score is a property of the match, so it outlives every page; a goal is an event, so that nobody
 * misses one. `?match=` names another match.
 */

import { type Match, TickwireError, join } from "../../src/index.ts";
import { loadName } from "../shared/name.ts";
import { matchUrl, showStatus, toast } from "../shared/page.ts";
import type { Side } from "./field.ts";
import { Game } from "./game.ts";
import { Input } from "./input.ts";
import { type DrawnDisc, Painter } from "./painter.ts";
import { BallState } from "./state.ts";
import { View } from "./view.ts";

/** After a longer pause it was the page that slept, and not the game. */
const stepSecondsMax = 0.1;
/** No frame for so long: the page is hidden, and the ticks move the game instead. */
const frameMissingMs = 300;

const canvas = document.querySelector("canvas") as HTMLCanvasElement;
const handOver = document.getElementById("hand-over") as HTMLButtonElement;
const view = new View();
const input = new Input(canvas);
const painter = new Painter(canvas, view);

try {
  play(await join(matchUrl("ball"), { name: loadName(), schema: BallState }));
} catch (error) {
  showStatus("closed", error instanceof TickwireError ? error.message : undefined);
}

function play(match: Match<BallState>): void {
  const game = new Game(match, (side) => {
    // The host alone counts, and everyone hears of it in the order in which it happened.
    const [left = 0, right = 0] = score(match);
    void match.properties.set({ score: side === 0 ? [left, right + 1] : [left + 1, right] }).catch(() => {});
    match.sendJson({ goal: side }, { to: "everyone" });
  });
  let steppedAt = performance.now();
  let migrations = 0;
  let goals = 0;
  let host = { player: match.host, name: nameOf(match, match.host) };

  const advance = (now: number): void => {
    const seconds = Math.max(0, Math.min(stepSecondsMax, (now - steppedAt) / 1_000));
    steppedAt = now;
    game.step(seconds, () => input.wanted(game.disc, view), now);
  };

  // Asked for at the moment of sending, and the game goes on to that moment: fresher than the last frame's.
  match.state(() => {
    advance(performance.now());
    return game.state;
  });
  match.on("tick", ({ states }) => {
    const now = performance.now();
    for (const [player, { value, age }] of states) game.hear(player, value, age, now);
    if (now - steppedAt > frameMissingMs) advance(now);
  });
  match.on("event", ({ from, data }) => {
    const side = goalIn(data);
    // Host and events change in one order for everyone, so all pages agree on whose word counts.
    if (side === null || from !== match.host) return;
    goals += 1;
    painter.goal(side, performance.now());
    if (from !== match.player) game.kickOff();
    document.body.dataset["scored"] = String(1 - side);
    setTimeout(() => delete document.body.dataset["scored"], 900);
  });
  match.on("properties", () => showScore(match));
  match.on("host", ({ player, isSelf }) => {
    const before = host;
    if (player === null || player === before.player) return;
    host = { player, name: nameOf(match, player) };
    migrations += 1;
    const place = isSelf ? game.disc : game.others.get(player);
    if (place !== undefined) painter.newHost(place, performance.now());
    const why = before.player !== null && match.players.has(before.player) ? `${before.name} hands over` : `${before.name} is gone`;
    toast(`${why}: ${isSelf ? "your" : `${host.name}'s`} page runs the ball now`);
    showHost(match);
  });
  match.on("left", ({ player }) => game.forget(player));
  match.on("roster", () => showHost(match));
  match.on("status", ({ status, error }) => showStatus(status, status === "closed" ? error?.message : undefined));
  handOver.addEventListener("click", () => {
    const next = [...match.players.values()].find(({ player, away, plain }) => player !== match.player && !away && plain !== true);
    if (next !== undefined) match.makeHost(next.player).catch((error: TickwireError) => toast(error.message));
  });
  addEventListener("pagehide", ({ persisted }) => persisted || match.leave());
  showStatus(match.status);
  showScore(match);
  showHost(match);

  requestAnimationFrame(function frame(now) {
    requestAnimationFrame(frame);
    advance(now);
    const discs: DrawnDisc[] = [];
    for (const [player, other] of game.others) discs.push(drawn(match, player, game.place(other, now)));
    discs.push(drawn(match, match.player, game.disc));
    painter.paint({ discs, ball: game.ball, now });
    // For tests: what this page shows right now.
    (window as unknown as { tickwireBall: unknown }).tickwireBall = {
      at: performance.timeOrigin + now, status: match.status, player: match.player, host: match.host, isHost: match.isHost,
      migrations, goals, ball: { ...game.ball }, discs: discs.map(({ player, x, y }) => ({ player, x, y })), score: score(match),
    };
  });
}

function drawn(match: Match<BallState>, player: number, place: { x: number; y: number; vx: number; vy: number }): DrawnDisc {
  return { ...place, player, name: nameOf(match, player), own: player === match.player, host: player === match.host, away: match.players.get(player)?.away === true };
}

function nameOf(match: Match<BallState>, player: number | null): string {
  return player === null ? "" : match.players.get(player)?.name || `Player ${player}`;
}

function score({ properties }: Match<BallState>): [left: number, right: number] {
  const value = properties.get("score");
  return Array.isArray(value) && value.every(Number.isFinite) && value.length === 2 ? [value[0] as number, value[1] as number] : [0, 0];
}

function goalIn(data: unknown): Side | null {
  try {
    const { goal } = JSON.parse(String(data)) as { goal?: unknown };
    return goal === 0 || goal === 1 ? goal : null;
  } catch {
    return null;
  }
}

function showScore(match: Match<BallState>): void {
  for (const [index, points] of score(match).entries()) {
    const element = document.getElementById(`score-${index}`);
    if (element !== null) element.textContent = String(points);
  }
}

function showHost(match: Match<BallState>): void {
  const others = [...match.players.values()].filter(({ player, away }) => player !== match.player && !away).length;
  const host = document.getElementById("host");
  if (host !== null) host.textContent = match.isHost ? "Your page runs the ball" : `${nameOf(match, match.host)}'s page runs the ball`;
  document.body.classList.toggle("host", match.isHost);
  document.body.classList.toggle("alone", others === 0);
  handOver.hidden = !match.isHost || others === 0;
}
