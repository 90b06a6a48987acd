/** What shines and fades: sparks, shock waves, and the trail behind each engine. */

import type { Ship } from "./ship.ts";

export interface Spark {
  x: number;
  y: number;
  vx: number;
  vy: number;
  age: number;
  life: number;
  size: number;
  hue: number;
}

export interface Wave {
  x: number;
  y: number;
  age: number;
  life: number;
  radius: number;
  hue: number;
}

export interface TrailPoint {
  x: number;
  y: number;
  age: number;
  /** Whether the engine burned: the trail is bright there. */
  hot: boolean;
}

export const trailSeconds = 0.75;
const sparkMax = 700;

export class Effects {
  sparks: Spark[] = [];
  waves: Wave[] = [];
  readonly trails = new Map<number, TrailPoint[]>();
  /** How much the camera shakes, 0 to 1. */
  shake = 0;

  step(seconds: number): void {
    const drag = Math.exp(-1.9 * seconds);
    for (const spark of this.sparks) {
      spark.age += seconds;
      spark.x += spark.vx * seconds;
      spark.y += spark.vy * seconds;
      spark.vx *= drag;
      spark.vy *= drag;
    }
    for (const wave of this.waves) wave.age += seconds;
    this.sparks = this.sparks.filter(({ age, life }) => age < life);
    this.waves = this.waves.filter(({ age, life }) => age < life);
    for (const [player, trail] of this.trails) {
      for (const point of trail) point.age += seconds;
      while (trail[0] !== undefined && trail[0].age > trailSeconds) trail.shift();
      if (trail.length === 0) this.trails.delete(player);
    }
    this.shake *= Math.exp(-6 * seconds);
  }

  /** Once a frame for each ship that is drawn. */
  follow(player: number, ship: Ship): void {
    if (!ship.alive) return;
    const trail = this.trails.get(player) ?? [];
    this.trails.set(player, trail);
    const x = ship.x - Math.cos(ship.heading) * 12;
    const y = ship.y - Math.sin(ship.heading) * 12;
    const last = trail.at(-1);
    // A respawn is not a line across the arena.
    if (last !== undefined && Math.hypot(last.x - x, last.y - y) > 120) trail.length = 0;
    trail.push({ x, y, age: 0, hot: ship.thrusting });
  }

  explode(x: number, y: number, hue: number): void {
    this.#burst(x, y, { count: 70, hue, speed: 420, size: 3.4, life: 1.15 });
    this.#burst(x, y, { count: 26, hue: 42, speed: 190, size: 2.6, life: 0.8 });
    this.waves.push({ x, y, age: 0, life: 0.7, radius: 150, hue }, { x, y, age: 0, life: 0.4, radius: 64, hue: 45 });
  }

  muzzle(x: number, y: number, hue: number): void {
    this.#burst(x, y, { count: 5, hue, speed: 130, size: 1.8, life: 0.28 });
  }

  bump(x: number, y: number, hue: number, strength: number): void {
    this.#burst(x, y, { count: 10, hue, speed: 80 + strength * 0.4, size: 2, life: 0.5 });
  }

  #burst(x: number, y: number, { count, hue, speed, size, life }: { count: number; hue: number; speed: number; size: number; life: number }): void {
    for (let index = 0; index < count && this.sparks.length < sparkMax; index += 1) {
      const angle = Math.random() * Math.PI * 2;
      // The square root spreads them evenly over the disc instead of crowding its middle.
      const pace = speed * Math.sqrt(Math.random());
      this.sparks.push({
        x, y, vx: Math.cos(angle) * pace, vy: Math.sin(angle) * pace,
        age: 0, life: life * (0.45 + 0.55 * Math.random()), size: size * (0.6 + 0.6 * Math.random()), hue: hue + Math.random() * 24 - 12,
      });
    }
  }
}
