/**
 * Frames as RFC 6455 section 5.2 draws them, written and read by hand: what a library would refuse to send
 * can be sent, and what a library would forgive is not forgiven.
 */

export const opcode = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

export type Payload = string | Buffer;

export interface FrameShape {
  /** FIN; set unless said otherwise. */
  fin?: boolean;
  /** RSV1 to RSV3 as one number, 4 to 1. */
  reserved?: number;
  masked?: boolean;
  key?: Buffer;
  /** The form of the length, where it is not the shortest: 7, 16 or 64 bits. */
  lengthBits?: 7 | 16 | 64;
  /** What the header announces, where it is not what follows. */
  announced?: number | bigint;
}

const defaultKey = Buffer.from([0x37, 0xfa, 0x21, 0x3d]);

export function bytesOf(payload: Payload): Buffer {
  return typeof payload === "string" ? Buffer.from(payload, "utf8") : payload;
}

/** "f4 90 80 80" as bytes. */
export function hex(text: string): Buffer {
  return Buffer.from(text.replace(/ /g, ""), "hex");
}

function lengthField(size: bigint, bits: 7 | 16 | 64, maskBit: number): Buffer {
  if (bits === 7) return Buffer.from([maskBit | Number(size)]);
  const field = Buffer.alloc(bits === 16 ? 3 : 9);
  field[0] = maskBit | (bits === 16 ? 126 : 127);
  if (bits === 16) field.writeUInt16BE(Number(size), 1);
  else field.writeBigUInt64BE(size, 1);
  return field;
}

/** A client's frame; by default whole, masked, with the shortest length and no reserved bit. */
export function frame(code: number, payload: Payload = "", shape: FrameShape = {}): Buffer {
  const bytes = Buffer.from(bytesOf(payload));
  const { fin = true, reserved = 0, masked = true, key = defaultKey } = shape;
  const announced = BigInt(shape.announced ?? bytes.length);
  const bits = shape.lengthBits ?? (announced < 126n ? 7 : announced < 65536n ? 16 : 64);
  const first = Buffer.from([(fin ? 0x80 : 0) | (reserved << 4) | code]);
  const length = lengthField(announced, bits, masked ? 0x80 : 0);
  if (!masked) return Buffer.concat([first, length, bytes]);
  for (let index = 0; index < bytes.length; ++index) bytes[index]! ^= key[index % 4]!;
  return Buffer.concat([first, length, key, bytes]);
}

/** A message in fragments of these payloads; `between` stands behind each but the last. */
export function fragments(code: number, payloads: Payload[], between: Buffer = Buffer.alloc(0)): Buffer {
  const last = payloads.length - 1;
  const frames = payloads.map((payload, index) =>
    frame(index === 0 ? code : opcode.continuation, payload, { fin: index === last }),
  );
  return Buffer.concat(frames.flatMap((bytes, index) => (index === last ? [bytes] : [bytes, between])));
}

/** The payload of a close frame (section 5.5.1). */
export function closePayload(code: number, reason: Payload = ""): Buffer {
  const payload = Buffer.alloc(2);
  payload.writeUInt16BE(code);
  return Buffer.concat([payload, bytesOf(reason)]);
}

export function pieces(bytes: Buffer, size: number): Buffer[] {
  const list: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += size) list.push(bytes.subarray(at, at + size));
  return list;
}

export interface ServerFrame {
  opcode: number;
  payload: Buffer;
}

/** Takes server frames off a stream, and throws at the first bit that a server may not send. */
export class FrameReader {
  #chunks: Buffer[] = [];
  #size = 0;

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
  }

  /** The next frame; undefined where it is not whole yet. */
  next(): ServerFrame | undefined {
    if (this.#size < 2) return undefined;
    const head = this.#peek(Math.min(this.#size, 10));
    if ((head[0]! & 0x70) !== 0) throw new Error("a reserved bit without an extension (5.2)");
    if ((head[0]! & 0x80) === 0) throw new Error("the relay sends no fragments");
    if ((head[1]! & 0x80) !== 0) throw new Error("a masked frame from the server (5.1)");
    const code = head[0]! & 0x0f;
    if (![1, 2, 8, 9, 10].includes(code)) throw new Error(`opcode ${code} of a server's frame (5.2)`);
    const field = head[1]! & 0x7f;
    const headSize = field < 126 ? 2 : field === 126 ? 4 : 10;
    if (this.#size < headSize) return undefined;
    const size =
      field < 126 ? field : field === 126 ? head.readUInt16BE(2) : Number(head.readBigUInt64BE(2));
    if (size < (field < 126 ? 0 : field === 126 ? 126 : 65536)) throw new Error("a length that is not minimal (5.2)");
    if (code >= 8 && size > 125) throw new Error("a control frame over 125 bytes (5.5)");
    if (this.#size < headSize + size) return undefined;
    const payload = this.#take(headSize + size).subarray(headSize);
    return { opcode: code, payload };
  }

  get rest(): number {
    return this.#size;
  }

  #peek(count: number): Buffer {
    if (this.#chunks[0]!.length < count) this.#chunks = [Buffer.concat(this.#chunks)];
    return this.#chunks[0]!.subarray(0, count);
  }

  #take(count: number): Buffer {
    const all = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks);
    this.#chunks = count === all.length ? [] : [all.subarray(count)];
    this.#size -= count;
    return all.subarray(0, count);
  }
}
