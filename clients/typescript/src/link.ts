/**
 * One WebSocket, from its constructor to its end. Knows nothing of messages.
 *
 * A browser can end a socket only by a close frame, and a close frame gives up the player's slot
 * (protocol.md, section 7). So a socket that is to be replaced is abandoned: it is no longer
 * listened to, and is closed once the new connection has taken the slot over.
 */

import type { Socket, SocketClass } from "./environment.ts";
import { closedNormally, closedWithoutFrame } from "./close_codes.ts";
import { subprotocol } from "./protocol.ts";

export interface LinkHandlers {
  open(): void;
  message(data: string | ArrayBuffer): void;
  /** `opened` is false where the handshake failed: no server, a refusal, a bad certificate. */
  end(code: number, reason: string, opened: boolean): void;
}

export class Link {
  readonly #socket: Socket;
  #opened = false;

  /** Throws what the WebSocket constructor throws: a SyntaxError for a bad address. */
  constructor(url: string, socketClass: SocketClass, handlers: LinkHandlers) {
    const socket = new socketClass(url, subprotocol);
    this.#socket = socket;
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      this.#opened = true;
      handlers.open();
    };
    socket.onmessage = ({ data }: { data: string | ArrayBuffer }) => handlers.message(data);
    const end = ({ code, reason }: { code: number; reason: string }): void => {
      this.abandon();
      handlers.end(code, reason, this.#opened);
    };
    socket.onclose = end;
    // A browser tells nothing here, and a close follows. After a handshake that failed Node 22 sends none.
    socket.onerror = () => {
      if (!this.#opened && socket.onclose !== null) end({ code: closedWithoutFrame, reason: "" });
    };
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
    this.#socket.onopen = this.#socket.onmessage = this.#socket.onclose = null;
  }

  close(): void {
    this.abandon();
    this.#socket.close(closedNormally);
  }
}
