/** A small curve of the last seconds, and its newest value as a dot. */

const sampleCountMax = 90;

export class Sparkline {
  readonly #canvas: HTMLCanvasElement;
  readonly #samples: (number | null)[] = [];
  readonly #floor: number;

  /** `floor`: the scale never gets finer than that, so that noise does not look like drama. */
  constructor(canvas: HTMLCanvasElement, floor: number) {
    this.#canvas = canvas;
    this.#floor = floor;
  }

  push(value: number | null): void {
    this.#samples.push(value);
    if (this.#samples.length > sampleCountMax) this.#samples.shift();
    this.#paint();
  }

  #paint(): void {
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    const context = this.#canvas.getContext("2d");
    if (context === null || width === 0) return;
    const ratio = devicePixelRatio || 1;
    this.#canvas.width = Math.round(width * ratio);
    this.#canvas.height = Math.round(height * ratio);
    context.scale(ratio, ratio);
    const top = Math.max(this.#floor, ...this.#samples.map((value) => (value ?? 0) * 1.15));
    const step = width / (sampleCountMax - 1);
    const start = sampleCountMax - this.#samples.length;
    const yOf = (value: number): number => height - 3 - (value / top) * (height - 6);
    const fill = context.createLinearGradient(0, 0, 0, height);
    fill.addColorStop(0, "rgb(94 226 255 / 0.28)");
    fill.addColorStop(1, "rgb(94 226 255 / 0)");
    const line = new Path2D();
    const area = new Path2D();
    let open = false;
    this.#samples.forEach((value, index) => {
      const x = (start + index) * step;
      if (value !== null && !open) {
        line.moveTo(x, yOf(value));
        area.moveTo(x, height);
      }
      if (value !== null) {
        line.lineTo(x, yOf(value));
        area.lineTo(x, yOf(value));
      }
      const last = index === this.#samples.length - 1;
      if (open && (value === null || last)) area.lineTo(value === null ? x - step : x, height);
      open = value !== null;
    });
    context.fillStyle = fill;
    context.fill(area);
    context.lineWidth = 1.5;
    context.lineJoin = "round";
    context.strokeStyle = "#5ee2ff";
    context.stroke(line);
    const newest = this.#samples.at(-1);
    if (newest === null || newest === undefined) return;
    context.fillStyle = "#d9f7ff";
    context.beginPath();
    context.arc(width - 2.5, yOf(newest), 2.2, 0, Math.PI * 2);
    context.fill();
  }
}
