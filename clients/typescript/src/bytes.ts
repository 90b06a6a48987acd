/**
 * Bounds-checked little-endian reading and writing.
 *
 * The reader throws a RangeError where a message ends too early, as DataView does, so that no decoder
 * needs a check of its own and none can read a neighbour's bytes.
 */

import { protocolError } from "./errors.ts";

export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #position = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  u8(): number {
    return this.#view.getUint8(this.#position++);
  }

  u16(): number {
    return this.#view.getUint16((this.#position += 2) - 2, true);
  }

  u32(): number {
    return this.#view.getUint32((this.#position += 4) - 4, true);
  }

  u64(): bigint {
    return this.#view.getBigUint64((this.#position += 8) - 8, true);
  }

  /** A view, not a copy: valid as long as the message is. */
  take(size: number): Uint8Array {
    const taken = this.#bytes.subarray(this.#position, (this.#position += size));
    if (taken.length < size) throw new RangeError("a message ends too early");
    return taken;
  }

  rest(): Uint8Array {
    return this.take(this.#bytes.length - this.#position);
  }

  end(): void {
    if (this.#position < this.#bytes.length) throw protocolError("a message is too long");
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

  u64(value: bigint): this {
    this.#view.setBigUint64(this.#position, value, true);
    this.#position += 8;
    return this;
  }

  put(bytes: Uint8Array): this {
    this.bytes.set(bytes, this.#position);
    this.#position += bytes.length;
    return this;
  }
}
