/** The arena itself: night, stars, a grid, a lit border. Stars are painted once per canvas size. */

import type { Camera } from "./camera.ts";
import { world } from "./ship.ts";

const gridStep = 100;
const corner = 28;

export class Backdrop {
  #sky: HTMLCanvasElement | null = null;

  resize(width: number, height: number, ratio: number): void {
    const sky = document.createElement("canvas");
    // A little more than the screen, to move it against the camera.
    sky.width = Math.ceil(width * ratio * 1.12);
    sky.height = Math.ceil(height * ratio * 1.12);
    const context = sky.getContext("2d");
    if (context === null) return;
    paintSky(context, sky.width, sky.height, ratio);
    this.#sky = sky;
  }

  /** In CSS pixels, below everything. */
  paintSky(context: CanvasRenderingContext2D, camera: Camera): void {
    if (this.#sky === null) return;
    const shiftX = camera.width * 0.06 - clampShare(camera.offsetX, camera.width) * camera.width * 0.05;
    const shiftY = camera.height * 0.06 - clampShare(camera.offsetY, camera.height) * camera.height * 0.05;
    context.drawImage(this.#sky, -shiftX, -shiftY, camera.width * 1.12, camera.height * 1.12);
  }

  /** In world units. */
  paintArena(context: CanvasRenderingContext2D): void {
    context.fillStyle = "rgb(110 150 255 / 0.025)";
    context.beginPath();
    roundedRectangle(context, world.width, world.height, corner);
    context.fill();
    context.lineWidth = 1;
    context.strokeStyle = "rgb(130 170 255 / 0.085)";
    context.beginPath();
    for (let x = gridStep; x < world.width; x += gridStep) {
      context.moveTo(x, 0);
      context.lineTo(x, world.height);
    }
    for (let y = gridStep; y < world.height; y += gridStep) {
      context.moveTo(0, y);
      context.lineTo(world.width, y);
    }
    context.stroke();
    this.#paintCentre(context);
    for (const [width, alpha] of [[14, 0.035], [7, 0.07], [1.6, 0.55]] as const) {
      context.lineWidth = width;
      context.strokeStyle = `rgb(110 170 255 / ${alpha})`;
      context.beginPath();
      roundedRectangle(context, world.width, world.height, corner);
      context.stroke();
    }
  }

  /** Rings that give the eye a place to measure speed by. */
  #paintCentre(context: CanvasRenderingContext2D): void {
    context.lineWidth = 1.5;
    context.strokeStyle = "rgb(130 170 255 / 0.15)";
    ring(context, 90);
    context.setLineDash([3, 15]);
    ring(context, 230);
    context.setLineDash([26, 18]);
    context.strokeStyle = "rgb(130 170 255 / 0.07)";
    ring(context, 420);
    context.setLineDash([]);
  }
}

function ring(context: CanvasRenderingContext2D, radius: number): void {
  context.beginPath();
  context.arc(world.width / 2, world.height / 2, radius, 0, Math.PI * 2);
  context.stroke();
}

function paintSky(context: CanvasRenderingContext2D, width: number, height: number, ratio: number): void {
  const night = context.createLinearGradient(0, 0, 0, height);
  night.addColorStop(0, "#070a14");
  night.addColorStop(1, "#05060c");
  context.fillStyle = night;
  context.fillRect(0, 0, width, height);
  const size = Math.max(width, height);
  for (const [x, y, reach, light] of [[0.2, 0.18, 0.6, "52 88 190"], [0.85, 0.8, 0.55, "112 54 168"], [0.72, 0.12, 0.35, "20 120 150"]] as const) {
    const cloud = context.createRadialGradient(x * width, y * height, 0, x * width, y * height, reach * size);
    cloud.addColorStop(0, `rgb(${light} / 0.26)`);
    cloud.addColorStop(0.5, `rgb(${light} / 0.085)`);
    cloud.addColorStop(1, `rgb(${light} / 0)`);
    context.fillStyle = cloud;
    context.fillRect(0, 0, width, height);
  }
  const count = Math.round((width * height) / (ratio * ratio) / 3_600);
  for (let index = 0; index < count; index += 1) {
    // Many faint ones, few bright ones.
    const light = Math.random() ** 3;
    context.fillStyle = `rgb(205 220 255 / ${(0.14 + 0.72 * light).toFixed(2)})`;
    context.beginPath();
    context.arc(Math.random() * width, Math.random() * height, (0.4 + 0.9 * light) * ratio, 0, Math.PI * 2);
    context.fill();
  }
}

// Not `roundRect`, which is younger than some phones.
function roundedRectangle(context: CanvasRenderingContext2D, width: number, height: number, radius: number): void {
  context.moveTo(radius, 0);
  context.arcTo(width, 0, width, height, radius);
  context.arcTo(width, height, 0, height, radius);
  context.arcTo(0, height, 0, 0, radius);
  context.arcTo(0, 0, width, 0, radius);
  context.closePath();
}

function clampShare(offset: number, size: number): number {
  return Math.max(-1, Math.min(1, -offset / size));
}
