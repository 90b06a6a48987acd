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
  onopen(): void;
  onmessage(event: { data: string | ArrayBuffer }): void;
  onclose(event: { code: number; reason: string }): void;
  /** A browser tells nothing here, and an end follows. After a handshake that failed Node 22 sends none. */
  onerror(): void;
}

/** Throws what the WebSocket constructor throws: a SyntaxError for a bad address. */
export function openLink(url: string, socketClass: SocketClass, handlers: LinkHandlers): Socket {
  return Object.assign(new socketClass(url, subprotocol), handlers, { binaryType: "arraybuffer" });
}

/** Hears nothing more from the socket, and leaves it open. (npm `ws` throws an error that nobody listens to.) */
export function abandonLink(socket: Socket): void {
  socket.onopen = socket.onmessage = socket.onclose = socket.onerror = () => {};
}

export function closeLink(socket: Socket): void {
  abandonLink(socket);
  socket.close(closedNormally);
}
