/**
 * Bounds-checked little-endian reading and writing.
 *
 * The reader throws where a message ends too early, so that no decoder needs a check of its own and none
 * can read a neighbour's bytes.
 */

import { TickwireError, protocolError } from "./errors.ts";

const encoder = new TextEncoder();

/** What the caller gave, as bytes. (A Uint8Array of another realm is one, too, and `instanceof` would not say so.) */
export function toBytes(data: Uint8Array | string): Uint8Array {
  if (typeof data === "string") return encoder.encode(data);
  if ((data as Uint8Array | undefined)?.BYTES_PER_ELEMENT !== 1) throw new TickwireError("bad_argument", "not bytes");
  return data;
}

/** Beyond the end any number, which nobody knows. */
export function u16At(bytes: Uint8Array, at: number): number {
  return (bytes[at] as number) | ((bytes[at + 1] as number) << 8);
}

export class ByteReader {
  readonly #bytes: Uint8Array;
  #position: number;

  constructor(bytes: Uint8Array, position = 0) {
    this.#bytes = bytes;
    this.#position = position;
  }

  /** An unsigned integer of so many bytes, at most six. */
  uint(size: number): number {
    return this.take(size).reduceRight((value, byte) => value * 256 + byte, 0);
  }

  /** A view, not a copy: valid as long as the message is. */
  take(size: number): Uint8Array {
    const taken = this.#bytes.subarray(this.#position, (this.#position += size));
    if (taken.length < size) throw protocolError("bad length");
    return taken;
  }

  /** So many entries, which fill the message to its end. */
  list<Entry>(count: number, read: () => Entry): Entry[] {
    const entries = [];
    while (entries.length < count) entries.push(read());
    this.end();
    return entries;
  }

  end(): void {
    if (this.#position < this.#bytes.length) throw protocolError("bad length");
  }
}

/** Fills a buffer whose size the caller has counted beforehand. */
export class ByteWriter {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly #view: DataView;
  #position = 0;

  constructor(size: number) {
    this.bytes = new Uint8Array(size);
    this.#view = new DataView(this.bytes.buffer);
  }

  u8(value: number): this {
    this.#view.setUint8(this.#position, value);
    this.#position += 1;
    return this;
  }

  u16(value: number): this {
    this.#view.setUint16(this.#position, value, true);
    this.#position += 2;
    return this;
  }

  u32(value: number): this {
    this.#view.setUint32(this.#position, value, true);
    this.#position += 4;
    return this;
  }

  put(bytes: Uint8Array): this {
    this.bytes.set(bytes, this.#position);
    this.#position += bytes.length;
    return this;
  }
}
