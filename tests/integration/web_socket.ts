/**
 * A WebSocket client whose messages are awaited one by one: npm's `ws`, which most Node programs use.
 */

import { once } from "node:events";
import { createRequire } from "node:module";
import type { ClientOptions, RawData, WebSocket as WsWebSocket } from "ws";

// The package lives with the client, two folders over; a bare import would look above this one.
const require = createRequire(new URL("../../clients/typescript/package.json", import.meta.url));
const { WebSocket: Ws, WebSocketServer } = require("ws") as typeof import("ws");
export { WebSocketServer };

// For what hangs; a sanitized relay takes its time over 16 MiB.
const patienceMs = 60_000;

export interface Closed {
  code: number;
  reason: string;
}

export class TestSocket {
  readonly socket: WsWebSocket;
  readonly #waiting: (string | Buffer)[] = [];
  #wake: () => void = () => {};
  #closed: Closed | null = null;

  private constructor(url: string, protocols: string[], options: ClientOptions) {
    this.socket = new Ws(url, protocols, { rejectUnauthorized: false, ...options });
    this.socket.on("message", (data: RawData, isBinary: boolean) => {
      const bytes = data as Buffer;
      this.#waiting.push(isBinary ? bytes : bytes.toString("utf8"));
      this.#wake();
    });
    this.socket.on("close", (code, reason) => {
      this.#closed = { code, reason: reason.toString("utf8") };
      this.#wake();
    });
  }

  static async open(url: string, protocols: string[] = [], options: ClientOptions = {}): Promise<TestSocket> {
    const client = new TestSocket(url, protocols, options);
    await once(client.socket, "open", { signal: AbortSignal.timeout(patienceMs) });
    client.socket.on("error", () => {}); // a close follows, and tells the code
    return client;
  }

  /** On the game lane, past `welcome`, which is returned beside the socket. */
  static async join(url: string, fields: object = {}): Promise<[TestSocket, Record<string, unknown>]> {
    const client = await TestSocket.open(url, ["tickwire.v1"]);
    client.socket.send(JSON.stringify({ op: "join", ...fields }));
    return [client, JSON.parse(String(await client.next())) as Record<string, unknown>];
  }

  /** The next message: a string where it was text. */
  async next(): Promise<string | Buffer> {
    const deadline = Date.now() + patienceMs;
    for (;;) {
      const message = this.#waiting.shift();
      if (message !== undefined) return message;
      if (this.#closed !== null) throw new Error(`closed with ${this.#closed.code} ${this.#closed.reason}`);
      await this.#event(deadline, "a message");
    }
  }

  /** How the connection ended. Messages before it are passed over. */
  async closed(): Promise<Closed> {
    const deadline = Date.now() + patienceMs;
    while (this.#closed === null) await this.#event(deadline, "the close");
    return this.#closed;
  }

  async close(code?: number): Promise<Closed> {
    this.socket.close(code);
    return this.closed();
  }

  #event(deadline: number, what: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`waited for ${what} in vain`)), deadline - Date.now());
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** The HTTP status with which an upgrade is refused. */
export async function refusedWith(url: string, protocols: string[] = []): Promise<number> {
  const socket = new Ws(url, protocols, { rejectUnauthorized: false });
  socket.on("error", () => {});
  const [, response] = (await once(socket, "unexpected-response", {
    signal: AbortSignal.timeout(patienceMs),
  })) as [unknown, { statusCode: number }];
  socket.terminate();
  return response.statusCode;
}
