/**
 * The rules of the game: a field with two goals, discs that people move, a ball that bounces off them.
 * Pure functions of what they are given, so that every page can run the same ball.
 */

export const field = { width: 1_200, height: 720, goal: 220, corner: 26 };
export const discRadius = 34;
export const ballRadius = 18;

export interface Moving {
  x: number;
  y: number;
  /** Units per second. */
  vx: number;
  vy: number;
}

/** 0 defends the left goal, 1 the right one. Numbers are given out from 0, so the sides fill evenly. */
export type Side = 0 | 1;
export const sideOf = (player: number): Side => (player % 2) as Side;

const discSpeed = 640;
const discPull = 11;
const ballDrag = 0.8;
const ballSpeedMax = 1_500;
const bounce = 0.82;

export function kickOff(): Moving {
  return { x: field.width / 2, y: field.height / 2, vx: 0, vy: 0 };
}

export function startOf(side: Side): Moving {
  return { x: field.width * (side === 0 ? 0.24 : 0.76), y: field.height * (0.3 + 0.4 * Math.random()), vx: 0, vy: 0 };
}

/** Moves a disc with the speed asked for, as fast as a disc may go, inside the lines. */
export function moveDisc(disc: Moving, wanted: { vx: number; vy: number }, seconds: number): void {
  const speed = Math.hypot(wanted.vx, wanted.vy);
  const share = speed > discSpeed ? discSpeed / speed : 1;
  const pull = 1 - Math.exp(-discPull * seconds);
  disc.vx += (wanted.vx * share - disc.vx) * pull;
  disc.vy += (wanted.vy * share - disc.vy) * pull;
  disc.x = clamp(disc.x + disc.vx * seconds, discRadius, field.width - discRadius);
  disc.y = clamp(disc.y + disc.vy * seconds, discRadius, field.height - discRadius);
}

/** The wish to be at a place: full speed from afar, gentle close by. */
export function towards(disc: Moving, x: number, y: number): { vx: number; vy: number } {
  return { vx: (x - disc.x) * 9, vy: (y - disc.y) * 9 };
}

/** Moves the ball on; the side whose goal it is in now, or null. */
export function moveBall(ball: Moving, discs: Iterable<Moving>, seconds: number): Side | null {
  const keep = Math.exp(-ballDrag * seconds);
  ball.vx *= keep;
  ball.vy *= keep;
  ball.x += ball.vx * seconds;
  ball.y += ball.vy * seconds;
  for (const disc of discs) hit(ball, disc);
  const speed = Math.hypot(ball.vx, ball.vy);
  if (speed > ballSpeedMax) {
    ball.vx *= ballSpeedMax / speed;
    ball.vy *= ballSpeedMax / speed;
  }
  return bounceOff(ball);
}

function hit(ball: Moving, disc: Moving): void {
  const dx = ball.x - disc.x;
  const dy = ball.y - disc.y;
  const distance = Math.hypot(dx, dy);
  const reach = ballRadius + discRadius;
  if (distance >= reach) return;
  const [nx, ny] = distance === 0 ? [1, 0] : [dx / distance, dy / distance];
  ball.x = disc.x + nx * reach;
  ball.y = disc.y + ny * reach;
  const closing = (ball.vx - disc.vx) * nx + (ball.vy - disc.vy) * ny;
  if (closing >= 0) return;
  // The disc weighs much more, and gives a little of its own.
  ball.vx -= 1.75 * closing * nx;
  ball.vy -= 1.75 * closing * ny;
}

function bounceOff(ball: Moving): Side | null {
  if (ball.y < ballRadius || ball.y > field.height - ballRadius) {
    ball.y = clamp(ball.y, ballRadius, field.height - ballRadius);
    ball.vy *= -bounce;
  }
  const inGoal = Math.abs(ball.y - field.height / 2) < field.goal / 2;
  if (inGoal) {
    if (ball.x < -ballRadius) return 0;
    if (ball.x > field.width + ballRadius) return 1;
    return null;
  }
  if (ball.x < ballRadius || ball.x > field.width - ballRadius) {
    ball.x = clamp(ball.x, ballRadius, field.width - ballRadius);
    ball.vx *= -bounce;
  }
  return null;
}

export function clamp(value: number, low: number, high: number): number {
  return Math.max(low, Math.min(high, value));
}
