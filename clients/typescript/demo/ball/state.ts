/**
 * What each page tells the others on every tick: its disc, and the ball as it sees it. Only the host's
 * word on the ball counts, and since everyone sends it, the next host's is at hand when the office moves.
 */

import { type Infer, fixed, schema } from "../../src/index.ts";
import { field } from "./field.ts";

/** Beyond the lines are the goals. */
const margin = 60;

const Moving = schema({
  x: fixed(-margin, field.width + margin),
  y: fixed(-margin, field.height + margin),
  vx: fixed(-2_000, 2_000),
  vy: fixed(-2_000, 2_000),
});

export const BallState = schema({ disc: Moving, ball: Moving });
export type BallState = Infer<typeof BallState>;
