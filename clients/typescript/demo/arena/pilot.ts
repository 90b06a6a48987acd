/**
 * The own ship: physics at the pace of the frames, and an autopilot for a pilot who does nothing,
 * so that two fresh tabs already show each other something that moves.
 */

import { type Controls } from "./input.ts";
import { type Ship, angleBetween, clamp, world } from "./ship.ts";

const thrustPerSecond2 = 560;
const dragPerSecond = 0.95;
const turnPerSecond = 4.6;
const bounce = 0.55;
const radius = 20;
const idleSeconds = 2.5;
const deadSeconds = 1.7;
const shieldSeconds = 1.6;
const reloadSeconds = 0.17;

export class Pilot {
  readonly ship: Ship;
  #idle = idleSeconds;
  #deadFor = 0;
  #shieldFor = shieldSeconds;
  #reload = 0;
  #wander = Math.random() * 100;
  /** How hard the last step hit a wall, in units per second. */
  impact = 0;

  constructor(name: string) {
    this.ship = { x: 0, y: 0, vx: 0, vy: 0, heading: 0, thrusting: false, alive: true, shielded: true, life: 0, score: 0, name };
    this.#place();
  }

  get onAutopilot(): boolean {
    return this.#idle >= idleSeconds;
  }

  /** Moves on by `seconds`; true where a shot leaves the ship. */
  step(seconds: number, controls: Controls): boolean {
    const { ship } = this;
    this.impact = 0;
    this.#reload -= seconds;
    if (!ship.alive) {
      this.#deadFor -= seconds;
      if (this.#deadFor <= 0) this.#respawn();
      return false;
    }
    this.#shieldFor -= seconds;
    ship.shielded = this.#shieldFor > 0;
    this.#idle = controls.active ? 0 : this.#idle + seconds;
    this.#steer(seconds, this.onAutopilot ? this.#autopilot(seconds) : controls);
    this.#move(seconds);
    if (!controls.fire || this.#reload > 0) return false;
    this.#reload = reloadSeconds;
    return true;
  }

  die(): void {
    Object.assign(this.ship, { alive: false, thrusting: false, vx: 0, vy: 0 });
    this.#deadFor = deadSeconds;
  }

  #steer(seconds: number, { turn, aim, thrust }: Pick<Controls, "turn" | "aim" | "thrust">): void {
    const { ship } = this;
    if (aim === null) ship.heading += turn * turnPerSecond * seconds;
    else ship.heading += angleBetween(ship.heading, aim) * Math.min(1, seconds * 14);
    ship.thrusting = thrust > 0;
    ship.vx += Math.cos(ship.heading) * thrust * thrustPerSecond2 * seconds;
    ship.vy += Math.sin(ship.heading) * thrust * thrustPerSecond2 * seconds;
  }

  #move(seconds: number): void {
    const { ship } = this;
    const keep = Math.exp(-dragPerSecond * seconds);
    ship.vx *= keep;
    ship.vy *= keep;
    ship.x += ship.vx * seconds;
    ship.y += ship.vy * seconds;
    if (ship.x < radius || ship.x > world.width - radius) {
      this.impact = Math.abs(ship.vx);
      ship.x = clamp(ship.x, radius, world.width - radius);
      ship.vx *= -bounce;
    }
    if (ship.y < radius || ship.y > world.height - radius) {
      this.impact = Math.max(this.impact, Math.abs(ship.vy));
      ship.y = clamp(ship.y, radius, world.height - radius);
      ship.vy *= -bounce;
    }
  }

  /** Gentle curves, and back towards the middle before a wall comes. */
  #autopilot(seconds: number): Pick<Controls, "turn" | "aim" | "thrust"> {
    const { ship } = this;
    this.#wander += seconds;
    const margin = 260;
    const nearWall = ship.x < margin || ship.x > world.width - margin || ship.y < margin || ship.y > world.height - margin;
    const home = Math.atan2(world.height / 2 - ship.y, world.width / 2 - ship.x);
    const turn = nearWall
      ? clamp(angleBetween(ship.heading, home), -0.45, 0.45)
      : 0.2 * Math.sin(this.#wander * 0.7) + 0.12 * Math.sin(this.#wander * 1.9);
    return { turn, aim: null, thrust: 0.26 };
  }

  #place(): void {
    this.ship.x = world.width * (0.28 + 0.44 * Math.random());
    this.ship.y = world.height * (0.28 + 0.44 * Math.random());
    this.ship.heading = Math.random() * Math.PI * 2;
  }

  #respawn(): void {
    this.#place();
    this.#shieldFor = shieldSeconds;
    Object.assign(this.ship, { alive: true, shielded: true, life: (this.ship.life + 1) & 0xff });
  }
}
