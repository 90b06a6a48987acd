/**
 * One WebSocket, from its constructor to its end. Knows nothing of messages.
 *
 * A browser can end a socket only by a close frame, and a close frame gives up the player's slot
 * (protocol.md, section 7). So a socket that is to be replaced is abandoned: it is no longer
 * listened to, and is closed once the new connection has taken the slot over.
 */

import type { Socket, SocketClass } from "./environment.ts";
import { CloseCode } from "./close_codes.ts";
import { subprotocol } from "./protocol.ts";

export interface LinkEnd {
  code: number;
  reason: string;
  /** False where the handshake failed: no server, a refusal, a bad certificate. */
  opened: boolean;
}

export interface LinkHandlers {
  open(): void;
  text(message: string): void;
  binary(message: Uint8Array): void;
  end(end: LinkEnd): void;
}

export class Link {
  readonly #socket: Socket;
  #opened = false;

  /** Throws what the WebSocket constructor throws: a SyntaxError for a bad address. */
  constructor(url: string, socketClass: SocketClass, handlers: LinkHandlers) {
    this.#socket = new socketClass(url, subprotocol);
    this.#socket.binaryType = "arraybuffer";
    this.#socket.onopen = () => {
      this.#opened = true;
      handlers.open();
    };
    this.#socket.onmessage = ({ data }: { data: string | ArrayBuffer }) => {
      if (typeof data === "string") handlers.text(data);
      else handlers.binary(new Uint8Array(data));
    };
    this.#socket.onclose = ({ code, reason }: { code: number; reason: string }) => {
      this.abandon();
      handlers.end({ code, reason, opened: this.#opened });
    };
    // A close always follows, and a browser tells no more than that.
    this.#socket.onerror = () => {};
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
    this.#socket.onopen = null;
    this.#socket.onmessage = null;
    this.#socket.onclose = null;
  }

  close(): void {
    this.abandon();
    this.#socket.close(CloseCode.normal);
  }
}
