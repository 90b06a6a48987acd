/** The part of a WebSocket that the SDK and most programs use, over a simulated link. */

import { type Socket, Timer } from "../environment.ts";
import type { Pipe } from "./pipe.ts";

export interface SimulatedSocketPort {
  /** What the handshake takes longer than a message. */
  handshakeMs(): number;
  over(socket: SimulatedSocket): void;
}

/** What the kernel holds before the page sees anything wait. Real ones hold more; a small one shows the matter sooner. */
const kernelBufferSize = 16 * 1_024;
/** How long the peer of a cut socket takes it for alive, unless it is replaced before. */
const forgottenMs = 30_000;

type Data = string | ArrayBuffer | ArrayBufferView<ArrayBuffer>;
type State = 0 | 1 | 2 | 3;

export class SimulatedSocket implements Socket {
  onopen: ((event: never) => void) | null = null;
  onmessage: ((event: never) => void) | null = null;
  onclose: ((event: never) => void) | null = null;
  onerror: ((event: never) => void) | null = null;
  readonly #inner: Socket;
  readonly #up: Pipe;
  readonly #down: Pipe;
  readonly #port: SimulatedSocketPort;
  #readyState: State = 0;

  constructor(inner: Socket, { up, down }: { up: Pipe; down: Pipe }, port: SimulatedSocketPort) {
    this.#inner = inner;
    this.#up = up;
    this.#down = down;
    this.#port = port;
    inner.onopen = (event: never) => {
      down.push(0, () => {
        if (this.#readyState === 0) this.#readyState = 1;
        this.onopen?.(event);
      }, port.handshakeMs());
    };
    inner.onmessage = (event: never) => {
      down.push(sizeOf((event as { data: Data | Blob }).data), () => this.onmessage?.(event));
    };
    inner.onerror = (event: never) => down.push(0, () => this.onerror?.(event));
    inner.onclose = (event: never) => {
      down.push(0, () => {
        this.#end();
        this.onclose?.(event);
      });
    };
  }

  get url(): string {
    return (this.#inner as Socket & { url?: string }).url ?? "";
  }

  get protocol(): string {
    return this.#inner.protocol;
  }

  get readyState(): State {
    return this.#readyState;
  }

  get binaryType(): string {
    return this.#inner.binaryType;
  }

  set binaryType(type: string) {
    this.#inner.binaryType = type;
  }

  get bufferedAmount(): number {
    return this.#inner.bufferedAmount + Math.max(0, this.#up.held - kernelBufferSize);
  }

  send(data: Data): void {
    if (this.#readyState === 0) throw new DOMException("the socket is still connecting", "InvalidStateError");
    if (this.#readyState !== 1) return;
    // The caller may write into its bytes again; a WebSocket has taken them by then.
    const taken = copy(data);
    this.#up.push(sizeOf(taken), () => this.#inner.send(taken));
  }

  close(code?: number, reason?: string): void {
    if (this.#readyState >= 2) return;
    const inner = this.#inner as Socket & { close(code?: number, reason?: string): void };
    const close = (): void => (code === undefined ? inner.close() : inner.close(code, reason));
    // Before it is open there is nothing to go behind.
    if (this.#readyState === 0) close();
    else this.#up.push(0, close);
    this.#readyState = 2;
  }

  /** @internal */
  reconsider(): void {
    this.#up.reconsider();
    this.#down.reconsider();
  }

  /** @internal */
  cut(): void {
    const inner = this.#inner;
    inner.onopen = inner.onmessage = inner.onerror = null;
    // A page can end a socket only by a close frame, which the other side would take for a farewell. So it
    // stays, and nobody listens; a relay closes it as soon as its slot is resumed by another.
    const forget = new Timer(() => inner.close());
    inner.onclose = () => forget.disarm();
    forget.arm(forgottenMs);
    this.#end();
    this.onerror?.({ type: "error" } as never);
    this.onclose?.({ type: "close", code: 1006, reason: "", wasClean: false } as never);
  }

  #end(): void {
    this.#readyState = 3;
    this.#up.clear();
    this.#down.clear();
    this.#port.over(this);
  }
}

function copy(data: Data): string | Uint8Array<ArrayBuffer> {
  if (typeof data === "string") return data;
  if (data instanceof ArrayBuffer) return new Uint8Array(data.slice(0));
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice();
}

/** On the wire, near enough: heads are small, and most text is one byte a character. */
function sizeOf(data: Data | Blob): number {
  if (typeof data === "string") return data.length;
  return data instanceof ArrayBuffer || ArrayBuffer.isView(data) ? data.byteLength : data.size;
}
