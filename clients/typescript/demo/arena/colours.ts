/** Colours that shine in the dark, and sprites of light in them. */

export { hueOf } from "../shared/colours.ts";

export function colour(hue: number, lightness = 66, alpha = 1): string {
  // Blue and violet look darker than they measure.
  const lift = 12 * Math.max(0, 1 - Math.abs(hue - 255) / 45) * (1 - lightness / 100) * 2;
  return `hsl(${hue.toFixed(0)} 92% ${(lightness + lift).toFixed(0)}% / ${alpha.toFixed(3)})`;
}

const glowSize = 64;
const glows = new Map<number, HTMLCanvasElement>();

/** A soft disc of light: blurring shadows live costs more than all the rest of a frame. */
export function glow(hue: number): HTMLCanvasElement {
  // 24 of them are enough for the eye.
  const key = ((Math.round(hue / 15) * 15) % 360 + 360) % 360;
  const known = glows.get(key);
  if (known !== undefined) return known;
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = glowSize;
  const context = canvas.getContext("2d");
  if (context !== null) {
    const half = glowSize / 2;
    const light = context.createRadialGradient(half, half, 0, half, half, half);
    light.addColorStop(0, colour(key, 78, 0.95));
    light.addColorStop(0.18, colour(key, 64, 0.5));
    light.addColorStop(0.5, colour(key, 55, 0.13));
    light.addColorStop(1, colour(key, 50, 0));
    context.fillStyle = light;
    context.fillRect(0, 0, glowSize, glowSize);
  }
  glows.set(key, canvas);
  return canvas;
}
