/** A client made of a bare socket: it sends what it is told, and watches what comes and how it ends. */

import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { FrameReader, frame, opcode, type ServerFrame } from "./frames.ts";

/** For what hangs; a sanitized relay on a busy machine is slow and no more. */
const patienceMs = 60_000;

export interface Response {
  status: number;
  /** Names in lower case. */
  fields: Map<string, string>;
  body: string;
}

export interface RequestShape {
  path?: string;
  /** Fields besides those of a good request, or instead of those of the same name; null leaves one out. */
  fields?: Record<string, string | null>;
  key?: string;
}

/** The upgrade request of section 4.1, with whatever is to be wrong about it. */
export function upgradeRequest({ path = "/v1/echo", fields = {}, key }: RequestShape = {}): string {
  const all: Record<string, string | null> = {
    Host: "relay.example",
    Upgrade: "websocket",
    Connection: "Upgrade",
    "Sec-WebSocket-Key": key ?? randomBytes(16).toString("base64"),
    "Sec-WebSocket-Version": "13",
    ...fields,
  };
  const lines = Object.entries(all).flatMap(([name, value]) => (value === null ? [] : [`${name}: ${value}\r\n`]));
  return `GET ${path} HTTP/1.1\r\n${lines.join("")}\r\n`;
}

/** What the server must answer to a key (section 4.2.2). */
export function acceptOf(key: string): string {
  return createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
}

export class Peer {
  readonly #socket: Socket;
  readonly #frames = new FrameReader();
  #head = Buffer.alloc(0);
  #isUpgraded = false;
  #hasEnded = false;
  #error: Error | null = null;
  #wake: () => void = () => {};

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on("data", (chunk: Buffer) => {
      if (this.#isUpgraded) this.#frames.push(chunk);
      else this.#head = Buffer.concat([this.#head, chunk]);
      this.#wake();
    });
    socket.on("end", () => {
      this.#hasEnded = true;
      this.#wake();
    });
    socket.on("error", (error) => {
      this.#error ??= error;
      this.#wake();
    });
  }

  /** Connected to a relay's listener, `ws://` or `wss://`. Half open: the relay's FIN does not close it. */
  static async connect(url: string): Promise<Peer> {
    const { protocol, hostname, port } = new URL(url);
    const target = { host: hostname, port: Number(port), allowHalfOpen: true };
    const isTls = protocol === "wss:";
    const socket = isTls ? connectTls({ ...target, rejectUnauthorized: false }) : connectTcp(target);
    const peer = new Peer(socket);
    await once(socket, isTls ? "secureConnect" : "connect", { signal: AbortSignal.timeout(patienceMs) });
    return peer;
  }

  /** On the echo or another path, past the 101. */
  static async open(url: string, request: RequestShape = {}): Promise<Peer> {
    const peer = await Peer.connect(url);
    const key = randomBytes(16).toString("base64");
    peer.send(upgradeRequest({ ...request, key }));
    await peer.upgraded(key);
    return peer;
  }

  send(bytes: Buffer | string): void {
    this.#socket.write(bytes);
  }

  /** Each piece in a segment of its own, as far as the kernels play along. */
  async sendPieces(list: Buffer[]): Promise<void> {
    for (const piece of list) {
      if (!this.#socket.write(piece)) await once(this.#socket, "drain");
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** An HTTP answer, with the body that its Content-Length says. */
  async response(isHead = false): Promise<Response> {
    let end = -1;
    await this.#until("an answer", () => (end = this.#head.indexOf("\r\n\r\n")) >= 0);
    const [start = "", ...lines] = this.#head.subarray(0, end).toString("latin1").split("\r\n");
    const status = /^HTTP\/1\.1 ([0-9]{3}) [ -~]+$/.exec(start)?.[1];
    if (status === undefined) throw new Error(`no status line: ${start}`);
    const fields = new Map<string, string>();
    for (const line of lines) {
      const [, name, value] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+): ?(.*)$/.exec(line) ?? [];
      if (name === undefined || value === undefined) throw new Error(`no field: ${line}`);
      fields.set(name.toLowerCase(), value);
    }
    const bodySize = isHead ? 0 : Number(fields.get("content-length") ?? 0);
    await this.#until("the body", () => this.#head.length >= end + 4 + bodySize);
    const body = this.#head.subarray(end + 4, end + 4 + bodySize).toString("utf8");
    this.#head = this.#head.subarray(end + 4 + bodySize);
    return { status: Number(status), fields, body };
  }

  /** Awaits the 101 and holds it against section 4.2.2. */
  async upgraded(key: string): Promise<Response> {
    const answer = await this.response();
    const { status, fields } = answer;
    const isGood =
      status === 101 &&
      fields.get("upgrade")?.toLowerCase() === "websocket" &&
      fields.get("connection")?.toLowerCase() === "upgrade" &&
      fields.get("sec-websocket-accept") === acceptOf(key) &&
      !fields.has("sec-websocket-extensions");
    if (!isGood) throw new Error(`no upgrade: ${status} ${JSON.stringify([...fields])} ${answer.body}`);
    this.#isUpgraded = true;
    this.#frames.push(this.#head);
    return answer;
  }

  /** The next frame; an error where the connection ends before. */
  async frame(): Promise<ServerFrame> {
    let found: ServerFrame | undefined;
    await this.#until("a frame", () => (found = this.#frames.next()) !== undefined);
    return found!;
  }

  /** The relay ends the TCP connection by itself and in good order, with nothing more to say. */
  async ended(): Promise<void> {
    await this.#until("the end", () => this.#hasEnded || this.#frames.rest !== 0, true);
    if (this.#frames.rest !== 0) throw new Error("bytes after the close frame (5.5.1)");
    this.destroy();
  }

  /** Says goodbye, and is answered (section 7.1.2): what was sent before was taken well. */
  async close(code = 1000): Promise<void> {
    const payload = Buffer.from([code >> 8, code & 0xff]);
    this.send(frame(opcode.close, payload));
    const answer = await this.frame();
    if (answer.opcode !== opcode.close || !answer.payload.equals(payload)) {
      throw new Error(`instead of the close: opcode ${answer.opcode}, ${answer.payload.toString("hex")}`);
    }
    await this.ended();
  }

  /** Ends our half of the connection: FIN. */
  finish(): void {
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  async #until(what: string, isThere: () => boolean, endCounts = false): Promise<void> {
    const deadline = Date.now() + patienceMs;
    while (!isThere()) {
      if (this.#error !== null) throw new Error(`${this.#error.message} while waiting for ${what}`);
      if (this.#hasEnded && !endCounts) throw new Error(`the connection ended before ${what}`);
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`waited for ${what} in vain`)), deadline - Date.now());
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }
}
