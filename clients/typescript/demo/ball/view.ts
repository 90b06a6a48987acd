/** How the field lies on the canvas: as large as fits, and upright where the page is higher than wide. */

import { field } from "./field.ts";

/** Around the lines: the goals stick out, and names need a place. */
const margin = 46;

export class View {
  width = 0;
  height = 0;
  scale = 1;
  upright = false;

  resize(width: number, height: number): void {
    this.width = width;
    this.height = height;
    this.upright = height > width;
    const [across, down] = this.upright ? [field.height, field.width] : [field.width, field.height];
    this.scale = Math.min(width / (across + 2 * margin), height / (down + 2 * margin));
  }

  /** For all that is drawn in the field's own units. */
  apply(context: CanvasRenderingContext2D, ratio: number): void {
    const scale = this.scale * ratio;
    const [x, y] = [(this.width / 2) * ratio, (this.height / 2) * ratio];
    // Upright, the left goal is below: one's own half is nearer to the thumbs for half of the players.
    if (this.upright) context.setTransform(0, -scale, scale, 0, x, y);
    else context.setTransform(scale, 0, 0, scale, x, y);
    context.translate(-field.width / 2, -field.height / 2);
  }

  toScreen(x: number, y: number): { x: number; y: number } {
    const [fromX, fromY] = [(x - field.width / 2) * this.scale, (y - field.height / 2) * this.scale];
    const [dx, dy] = this.upright ? [fromY, -fromX] : [fromX, fromY];
    return { x: this.width / 2 + dx, y: this.height / 2 + dy };
  }

  toField(x: number, y: number): { x: number; y: number } {
    const [dx, dy] = this.turned((x - this.width / 2) / this.scale, (y - this.height / 2) / this.scale);
    return { x: dx + field.width / 2, y: dy + field.height / 2 };
  }

  /** A direction on the screen as one on the field. */
  turned(x: number, y: number): [x: number, y: number] {
    return this.upright ? [-y, x] : [x, y];
  }
}
