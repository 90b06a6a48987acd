/**
 * One WebSocket, from its constructor to its end. Knows nothing of messages.
 *
 * A browser can end a socket only by a close frame, and a close frame gives up the player's slot
 * (protocol.md, section 7). So a socket that is to be replaced is abandoned: it is no longer
 * listened to, and is closed once the new connection has taken the slot over.
 */

import type { Socket, SocketClass } from "./environment.ts";
import { closedNormally } from "./close_codes.ts";
import { subprotocol } from "./protocol.ts";

export interface LinkHandlers {
  open(): void;
  message(data: string | ArrayBuffer): void;
  end(code: number, reason: string): void;
  /** A browser tells nothing here, and an end follows. After a handshake that failed Node 22 sends none. */
  error(): void;
}

export class Link {
  readonly #socket: Socket;

  /** Throws what the WebSocket constructor throws: a SyntaxError for a bad address. */
  constructor(url: string, socketClass: SocketClass, handlers: LinkHandlers) {
    const socket = new socketClass(url, subprotocol);
    this.#socket = socket;
    socket.binaryType = "arraybuffer";
    socket.onopen = handlers.open;
    socket.onmessage = ({ data }: { data: string | ArrayBuffer }) => handlers.message(data);
    socket.onclose = ({ code, reason }: { code: number; reason: string }) => handlers.end(code, reason);
    socket.onerror = handlers.error;
  }

  /** Nothing waits in the page for the network: what is sent now leaves now. */
  get drained(): boolean {
    return this.#socket.bufferedAmount === 0;
  }

  send(message: string | Uint8Array<ArrayBuffer>): void {
    this.#socket.send(message);
  }

  /** Hears nothing more from the socket, and leaves it open. */
  abandon(): void {
    this.#socket.onopen = this.#socket.onmessage = this.#socket.onclose = this.#socket.onerror = null;
  }

  close(): void {
    this.abandon();
    this.#socket.close(closedNormally);
  }
}
