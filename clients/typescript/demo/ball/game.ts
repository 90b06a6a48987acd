/**
 * The game as this page has it: the own disc, the others' as ticks bring them, and the ball.
 *
 * Every page runs the ball by the same rules. The host's ball is the one that counts: it is in the host's
 * state, and the other pages bend theirs towards it. So a page feels its own kicks at once, the ball rolls
 * on while a host is missing, and a page that becomes host has all it needs to go on.
 */

import type { Match } from "../../src/index.ts";
import { type Moving, type Side, kickOff, moveBall, moveDisc, sideOf, startOf } from "./field.ts";
import type { BallState } from "./state.ts";

const stepSeconds = 1 / 120;
/** After a goal the ball lies in the middle and waits. */
const pauseSeconds = 1.4;
/** How fast an error of the own ball goes away: nine tenths of it in a fifth of a second. */
const bendPerSecond = 11;
const jumpUnits = 260;
/** A disc is drawn where it is by now; but a page that says nothing stands still soon. */
const aheadSecondsMax = 0.2;

export interface Other extends Moving {
  at: number;
}

export class Game {
  readonly disc: Moving;
  readonly others = new Map<number, Other>();
  readonly ball = kickOff();
  readonly #match: Match<BallState>;
  readonly #onGoal: (side: Side) => void;
  /** The host's ball less the own one, to be made up for. */
  #error = { x: 0, y: 0 };
  #pause = 0;
  #left = 0;

  constructor(match: Match<BallState>, onGoal: (side: Side) => void) {
    this.#match = match;
    this.#onGoal = onGoal;
    this.disc = startOf(sideOf(match.player));
  }

  /** One state of a tick. */
  hear(player: number, state: BallState, ageMs: number, now: number): void {
    if (player === this.#match.player) return;
    this.others.set(player, { ...state.disc, at: now - ageMs });
    if (player === this.#match.host) this.#follow(state, ageMs / 1_000);
  }

  forget(player: number): void {
    this.others.delete(player);
  }

  get state(): BallState {
    return { disc: this.disc, ball: this.ball };
  }

  /** Where another's disc is by now. */
  place({ x, y, vx, vy, at }: Other, now: number): Moving {
    const ahead = Math.min(aheadSecondsMax, Math.max(0, (now - at) / 1_000));
    return { x: x + vx * ahead, y: y + vy * ahead, vx, vy };
  }

  /** In small steps, discs and ball alike: where frames are late no disc jumps over the ball. */
  step(seconds: number, wanted: () => { vx: number; vy: number }, now: number): void {
    for (this.#left += seconds; this.#left >= stepSeconds; this.#left -= stepSeconds) {
      const then = now - this.#left * 1_000;
      moveDisc(this.disc, wanted(), stepSeconds);
      this.#pause -= stepSeconds;
      if (this.#pause > 0) continue;
      const discs = [this.disc, ...[...this.others.values()].map((other) => this.place(other, then))];
      const side = moveBall(this.ball, discs, stepSeconds);
      if (side !== null) this.#score(side);
    }
    this.#bend(seconds);
  }

  /** News of a goal: the ball goes back to the middle, on every page at the same point of the events. */
  kickOff(): void {
    Object.assign(this.ball, kickOff());
    this.#error = { x: 0, y: 0 };
    this.#pause = pauseSeconds;
  }

  #score(side: Side): void {
    if (this.#match.isHost) {
      this.kickOff();
      this.#onGoal(side);
    } else {
      // The host decides; until then it lies in the net.
      this.ball.vx = this.ball.vy = 0;
    }
  }

  #follow({ ball }: BallState, ageSeconds: number): void {
    if (this.#pause > 0) return;
    const x = ball.x + ball.vx * ageSeconds - this.ball.x;
    const y = ball.y + ball.vy * ageSeconds - this.ball.y;
    this.ball.vx = ball.vx;
    this.ball.vy = ball.vy;
    if (Math.hypot(x, y) > jumpUnits) {
      this.ball.x += x;
      this.ball.y += y;
      this.#error = { x: 0, y: 0 };
    } else {
      this.#error = { x, y };
    }
  }

  #bend(seconds: number): void {
    const share = 1 - Math.exp(-bendPerSecond * seconds);
    const { x, y } = this.#error;
    this.ball.x += x * share;
    this.ball.y += y * share;
    this.#error = { x: x * (1 - share), y: y * (1 - share) };
  }
}
