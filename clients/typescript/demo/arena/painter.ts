/**
 * One frame on the canvas: sky, arena, trails, shots, ships, sparks in world units; names and
 * pointers to ships outside the view in screen units, so that text is always crisp.
 */

import { Backdrop } from "./backdrop.ts";
import { Camera } from "./camera.ts";
import { colour, glow, hueOf } from "./colours.ts";
import { type Effects, trailSeconds } from "./effects.ts";
import type { DrawnShip } from "./fleet.ts";
import { type Stick, stickRadius } from "./input.ts";
import type { Shot } from "./shots.ts";

export interface Scene {
  ships: readonly DrawnShip[];
  own: number;
  shots: readonly Shot[];
  effects: Effects;
  stick: Readonly<Stick> | null;
  nameOf: (player: number) => string;
  now: number;
}

/** More pixels than this cost frames on phones and show no more. */
const ratioMax = 2.5;
/** Steps in which a trail fades. */
const trailLevels = 12;
const levelOf = (age: number): number => Math.min(trailLevels - 1, Math.floor((age / trailSeconds) * trailLevels));

export class Painter {
  readonly camera = new Camera();
  readonly #canvas: HTMLCanvasElement;
  readonly #context: CanvasRenderingContext2D;
  readonly #backdrop = new Backdrop();
  #ratio = 1;

  constructor(canvas: HTMLCanvasElement) {
    const context = canvas.getContext("2d", { alpha: false });
    if (context === null) throw new Error("this browser has no canvas");
    this.#canvas = canvas;
    this.#context = context;
    addEventListener("resize", () => this.#resize());
    this.#resize();
  }

  paint(scene: Scene): void {
    const { camera } = this;
    const context = this.#context;
    context.setTransform(this.#ratio, 0, 0, this.#ratio, 0, 0);
    this.#backdrop.paintSky(context, camera);
    const shake = scene.effects.shake * 9;
    const scale = camera.scale * this.#ratio;
    context.setTransform(
      scale, 0, 0, scale,
      (camera.offsetX + shake * Math.sin(scene.now * 0.09)) * this.#ratio,
      (camera.offsetY + shake * Math.cos(scene.now * 0.11)) * this.#ratio,
    );
    this.#backdrop.paintArena(context);
    context.globalCompositeOperation = "lighter";
    this.#paintTrails(scene);
    this.#paintShots(scene.shots);
    this.#paintWaves(scene.effects);
    for (const drawn of scene.ships) if (drawn.ship.alive) this.#paintGlow(drawn);
    context.globalCompositeOperation = "source-over";
    for (const drawn of scene.ships) if (drawn.ship.alive) this.#paintShip(drawn, drawn.player === scene.own, scene.now);
    context.globalCompositeOperation = "lighter";
    this.#paintSparks(scene.effects);
    context.globalCompositeOperation = "source-over";
    context.globalAlpha = 1;
    context.setTransform(this.#ratio, 0, 0, this.#ratio, 0, 0);
    for (const drawn of scene.ships) if (drawn.ship.alive) this.#paintLabel(drawn, scene);
    if (scene.stick !== null) this.#paintStick(scene.stick);
  }

  #resize(): void {
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    this.#ratio = Math.min(devicePixelRatio || 1, ratioMax);
    this.#canvas.width = Math.round(width * this.#ratio);
    this.#canvas.height = Math.round(height * this.#ratio);
    this.camera.resize(width, height);
    this.#backdrop.resize(width, height, this.#ratio);
  }

  #paintTrails({ effects }: Scene): void {
    const context = this.#context;
    // Round caps would overlap, and light adds up: a string of beads.
    context.lineCap = "butt";
    for (const [player, trail] of effects.trails) {
      const hue = hueOf(player);
      // A stroke for each stretch of like brightness, and not for each frame: with 32 ships that is 200
      // of them instead of 1,400.
      for (let index = 1; index < trail.length; ) {
        const first = trail[index];
        if (first === undefined) break;
        const level = levelOf(first.age);
        const fresh = 1 - (level + 0.5) / trailLevels;
        context.strokeStyle = colour(hue, 62, fresh * fresh * (first.hot ? 0.62 : 0.16));
        context.lineWidth = 0.8 + fresh * (first.hot ? 5.2 : 2.6);
        context.beginPath();
        const from = trail[index - 1] ?? first;
        context.moveTo(from.x, from.y);
        for (let to = trail[index]; to !== undefined && to.hot === first.hot && levelOf(to.age) === level; to = trail[index]) {
          context.lineTo(to.x, to.y);
          index += 1;
        }
        context.stroke();
      }
    }
  }

  #paintShots(shots: readonly Shot[]): void {
    const context = this.#context;
    for (const { player, x, y, vx, vy, left } of shots) {
      const hue = hueOf(player);
      const alpha = Math.min(1, left * 5);
      context.globalAlpha = alpha * 0.9;
      context.drawImage(glow(hue), x - 22, y - 22, 44, 44);
      context.globalAlpha = alpha;
      context.strokeStyle = colour(hue, 84);
      context.lineWidth = 3;
      context.beginPath();
      context.moveTo(x - vx * 0.022, y - vy * 0.022);
      context.lineTo(x, y);
      context.stroke();
    }
    context.globalAlpha = 1;
  }

  #paintWaves({ waves }: Effects): void {
    const context = this.#context;
    for (const { x, y, age, life, radius, hue } of waves) {
      const share = age / life;
      const reach = radius * (1 - (1 - share) ** 3);
      context.strokeStyle = colour(hue, 70, (1 - share) * 0.75);
      context.lineWidth = 1 + 7 * (1 - share);
      context.beginPath();
      context.arc(x, y, reach, 0, Math.PI * 2);
      context.stroke();
      context.globalAlpha = (1 - share) ** 2;
      context.drawImage(glow(hue), x - radius, y - radius, radius * 2, radius * 2);
      context.globalAlpha = 1;
    }
  }

  #paintSparks({ sparks }: Effects): void {
    const context = this.#context;
    for (const { x, y, vx, vy, age, life, size, hue } of sparks) {
      const fresh = 1 - age / life;
      context.strokeStyle = colour(hue, 58 + 26 * fresh, fresh);
      context.lineWidth = size * (0.4 + 0.6 * fresh);
      context.beginPath();
      context.moveTo(x - vx * 0.03, y - vy * 0.03);
      context.lineTo(x, y);
      context.stroke();
    }
  }

  #paintGlow({ player, ship, presence }: DrawnShip): void {
    const context = this.#context;
    const light = glow(hueOf(player));
    context.globalAlpha = 0.5 * presence;
    context.drawImage(light, ship.x - 70, ship.y - 70, 140, 140);
    if (ship.thrusting) {
      const reach = 19 + 5 * Math.random();
      const x = ship.x - Math.cos(ship.heading) * 17;
      const y = ship.y - Math.sin(ship.heading) * 17;
      context.globalAlpha = presence;
      context.drawImage(light, x - reach, y - reach, reach * 2, reach * 2);
    }
    context.globalAlpha = 1;
  }

  #paintShip({ player, ship, presence }: DrawnShip, own: boolean, now: number): void {
    const context = this.#context;
    const hue = hueOf(player);
    context.save();
    context.translate(ship.x, ship.y);
    context.globalAlpha = presence;
    if (ship.shielded) {
      context.strokeStyle = colour(hue, 80, 0.35 + 0.25 * Math.sin(now / 90));
      context.lineWidth = 1.5;
      context.beginPath();
      context.arc(0, 0, 33, 0, Math.PI * 2);
      context.stroke();
    }
    context.rotate(ship.heading);
    context.beginPath();
    context.moveTo(25, 0);
    context.lineTo(-15, 15.5);
    context.lineTo(-8, 0);
    context.lineTo(-15, -15.5);
    context.closePath();
    context.fillStyle = own ? colour(hue, 64) : "#0a0f1e";
    context.fill();
    context.lineJoin = "round";
    context.lineWidth = 2.2;
    context.strokeStyle = colour(hue, own ? 88 : 70);
    context.stroke();
    if (!own) {
      context.fillStyle = colour(hue, 70);
      context.beginPath();
      context.arc(0.5, 0, 3.6, 0, Math.PI * 2);
      context.fill();
    }
    context.restore();
  }

  #paintLabel({ player, ship, presence }: DrawnShip, { own, nameOf }: Scene): void {
    const context = this.#context;
    const { camera } = this;
    const x = ship.x * camera.scale + camera.offsetX;
    const y = ship.y * camera.scale + camera.offsetY;
    context.globalAlpha = presence;
    if (x < -10 || y < -10 || x > camera.width + 10 || y > camera.height + 10) {
      if (player !== own) this.#paintPointer(player, x, y);
    } else {
      context.font = `${player === own ? 600 : 500} 12px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif`;
      context.textAlign = "center";
      context.lineJoin = "round";
      context.lineWidth = 3;
      context.strokeStyle = "rgb(4 6 12 / 0.75)";
      context.fillStyle = player === own ? "rgb(255 255 255 / 0.95)" : "rgb(214 224 248 / 0.8)";
      const top = y - 36 * Math.max(camera.scale, 0.75) - 4;
      const name = nameOf(player);
      const half = context.measureText(name).width / 2 + 6;
      const centre = Math.max(half, Math.min(camera.width - half, x));
      context.strokeText(name, centre, top);
      context.fillText(name, centre, top);
    }
    context.globalAlpha = 1;
  }

  /** At the edge of the view, towards a ship beyond it. */
  #paintPointer(player: number, x: number, y: number): void {
    const context = this.#context;
    const { width, height } = this.camera;
    const inset = 20;
    context.save();
    context.translate(Math.max(inset, Math.min(width - inset, x)), Math.max(inset, Math.min(height - inset, y)));
    context.rotate(Math.atan2(y - height / 2, x - width / 2));
    context.fillStyle = colour(hueOf(player), 68, 0.9);
    context.beginPath();
    context.moveTo(9, 0);
    context.lineTo(-5, 6.5);
    context.lineTo(-5, -6.5);
    context.fill();
    context.restore();
  }

  #paintStick({ originX, originY, x, y }: Readonly<Stick>): void {
    const context = this.#context;
    const reach = Math.hypot(x - originX, y - originY) || 1;
    const pull = Math.min(1, stickRadius / reach);
    context.lineWidth = 1.5;
    context.strokeStyle = "rgb(190 210 255 / 0.28)";
    context.fillStyle = "rgb(190 210 255 / 0.05)";
    context.beginPath();
    context.arc(originX, originY, stickRadius, 0, Math.PI * 2);
    context.fill();
    context.stroke();
    context.fillStyle = "rgb(210 224 255 / 0.34)";
    context.beginPath();
    context.arc(originX + (x - originX) * pull, originY + (y - originY) * pull, 22, 0, Math.PI * 2);
    context.fill();
  }
}
