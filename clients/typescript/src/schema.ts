/**
 * Packs typed objects into few bytes at fixed places, so that the relay's byte-wise delta sends
 * little more than what changed, and nobody writes a DataView by hand.
 *
 *     const Ship = schema({ x: fixed(0, 2_000), y: fixed(0, 1_300), heading: angle16, hp: u8 });
 *     type Ship = Infer<typeof Ship>;
 *
 * A schema is a field, too: schemas nest. Numbers that do not fit are clamped to what does. All
 * fields know how to lie between two states, so `Motion` needs no more than a schema.
 */

import { TickwireError } from "./errors.ts";
import type { Codec } from "./options.ts";

/** One value at a fixed place. */
export interface Field<Value> {
  readonly size: number;
  write(view: DataView, at: number, value: Value): void;
  /** Throws for bytes that are no such value. */
  read(view: DataView, at: number): Value;
  /** `share` 0 is `older`, 1 is `newer`, above 1 lies beyond. */
  mix(older: Value, newer: Value, share: number): Value;
}

// Neither `unknown` nor `never` would do: a field both takes values and gives them.
export type Fields = { readonly [name: string]: Field<any> };
/** The type of a field's values, of a schema's objects. */
export type Infer<Kind> = Kind extends Field<infer Value> ? Value : never;
/** The type of an object with these fields. */
export type InferAll<Kinds extends Fields> = { [Name in keyof Kinds]: Infer<Kinds[Name]> };

/** What `schema` makes: a codec for states and a field for other schemas. */
export interface Schema<State> extends Codec<State>, Field<State> {
  encode(state: State): Uint8Array<ArrayBuffer>;
}

/** An object with these fields, in this order. */
export function schema<Kinds extends Fields>(fields: Kinds): Schema<InferAll<Kinds>> {
  type State = InferAll<Kinds>;
  const parts = Object.entries(fields) as [keyof Kinds & string, Field<unknown>][];
  const size = parts.reduce((sum, [, field]) => sum + field.size, 0);
  const made: Field<State> = {
    size,
    write(view, at, state) {
      for (const [name, field] of parts) {
        field.write(view, at, state[name]);
        at += field.size;
      }
    },
    read(view, at) {
      const state: { [name: string]: unknown } = {};
      for (const [name, field] of parts) {
        state[name] = field.read(view, at);
        at += field.size;
      }
      return state as State;
    },
    mix(older, newer, share) {
      const state: { [name: string]: unknown } = {};
      for (const [name, field] of parts) state[name] = field.mix(older[name], newer[name], share);
      return state as State;
    },
  };
  return {
    ...made,
    encode(state) {
      const bytes = new Uint8Array(size);
      made.write(new DataView(bytes.buffer), 0, state);
      return bytes;
    },
    decode(bytes) {
      if (bytes.length !== size) return null;
      try {
        return made.read(new DataView(bytes.buffer, bytes.byteOffset, size), 0);
      } catch {
        return null;
      }
    },
  };
}

// Numbers

const lerp = (older: number, newer: number, share: number): number => older + (newer - older) * share;
const stepped = <Value>(older: Value, newer: Value, share: number): Value => (share < 1 ? older : newer);

/** A number in 1, 2, 3 or 4 bytes, signed or not. Rounds and clamps; what is no number is 0. */
function integer(size: number, low: number, high: number): Field<number> {
  const wrap = 2 ** (size * 8);
  return {
    size,
    write(view, at, value) {
      let rest = Math.round(Math.max(low, Math.min(high, value))) || 0;
      if (rest < 0) rest += wrap;
      for (let index = 0; index < size; index += 1, rest = Math.floor(rest / 256)) view.setUint8(at + index, rest & 0xff);
    },
    read(view, at) {
      let value = 0;
      for (let index = size - 1; index >= 0; index -= 1) value = value * 256 + view.getUint8(at + index);
      return value > high ? value - wrap : value;
    },
    mix: lerp,
  };
}

export const u8: Field<number> = integer(1, 0, 0xff);
export const u16: Field<number> = integer(2, 0, 0xffff);
export const u24: Field<number> = integer(3, 0, 0xff_ffff);
export const u32: Field<number> = integer(4, 0, 0xffff_ffff);
export const i8: Field<number> = integer(1, -0x80, 0x7f);
export const i16: Field<number> = integer(2, -0x8000, 0x7fff);
export const i32: Field<number> = integer(4, -0x8000_0000, 0x7fff_ffff);

export const f32: Field<number> = {
  size: 4,
  write: (view, at, value) => view.setFloat32(at, value, true),
  read: (view, at) => view.getFloat32(at, true),
  mix: lerp,
};

export const f64: Field<number> = {
  size: 8,
  write: (view, at, value) => view.setFloat64(at, value, true),
  read: (view, at) => view.getFloat64(at, true),
  mix: lerp,
};

/** A range of numbers in equal steps: 65,536 of them in 16 bits. A delta of a small movement is then one byte. */
export function fixed(low: number, high: number, bits: 8 | 16 | 24 | 32 = 16): Field<number> {
  const steps = 2 ** bits - 1;
  const field = integer(bits / 8, 0, steps);
  const scale = (high - low) / steps;
  return {
    size: field.size,
    write: (view, at, value) => field.write(view, at, (value - low) / scale),
    read: (view, at) => low + field.read(view, at) * scale,
    mix: lerp,
  };
}

/** Radians in any turn; read back as 0 to 2π. Mixed the short way round. */
function angle(bits: 8 | 16): Field<number> {
  const steps = 2 ** bits;
  const turn = 2 * Math.PI;
  const field = integer(bits / 8, 0, steps - 1);
  return {
    size: field.size,
    write: (view, at, value) => field.write(view, at, ((Math.round((value / turn) * steps) % steps) + steps) % steps),
    read: (view, at) => (field.read(view, at) * turn) / steps,
    mix(older, newer, share) {
      const difference = (((newer - older) % turn) + turn) % turn;
      return older + (difference > Math.PI ? difference - turn : difference) * share;
    },
  };
}

export const angle8: Field<number> = angle(8);
export const angle16: Field<number> = angle(16);

// Others: of two states the older counts until the newer is reached.

export const bool: Field<boolean> = {
  size: 1,
  write: (view, at, value) => view.setUint8(at, value ? 1 : 0),
  read: (view, at) => view.getUint8(at) !== 0,
  mix: stepped,
};

/** Up to 32 booleans in as few bytes as they take. */
export function flags<Names extends readonly string[]>(...names: Names): Field<{ [Name in Names[number]]: boolean }> {
  const size = Math.ceil(names.length / 8);
  if (size < 1 || size > 4) throw new TickwireError("bad_argument", "flags: 1 to 32 names");
  const field = integer(size, 0, 2 ** (size * 8) - 1);
  return {
    size,
    write(view, at, value: { [name: string]: boolean }) {
      field.write(view, at, names.reduce((sum, name, index) => sum + (value[name] === true ? 2 ** index : 0), 0));
    },
    read(view, at) {
      const bits = field.read(view, at);
      return Object.fromEntries(names.map((name, index) => [name, Math.floor(bits / 2 ** index) % 2 === 1])) as never;
    },
    mix: stepped,
  };
}

/** One of up to 256 values, as its place in the list. Writing another throws. */
export function oneOf<Values extends readonly (string | number | boolean | null)[]>(...values: Values): Field<Values[number]> {
  return {
    size: 1,
    write(view, at, value) {
      const index = values.indexOf(value);
      if (index < 0 || index > 0xff) throw new TickwireError("bad_argument", `oneOf: ${value} is none of ${values.join(", ")}`);
      view.setUint8(at, index);
    },
    read(view, at) {
      const index = view.getUint8(at);
      if (index >= values.length) throw new RangeError("oneOf");
      return values[index] as Values[number];
    },
    mix: stepped,
  };
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A string of up to `bytesMax` bytes of UTF-8, at most 255; what is too long is cut between characters. */
export function text(bytesMax: number): Field<string> {
  if (!(bytesMax >= 1 && bytesMax <= 0xff)) throw new TickwireError("bad_argument", "text: 1 to 255 bytes");
  return {
    size: 1 + bytesMax,
    write(view, at, value) {
      const bytes = new Uint8Array(view.buffer, view.byteOffset + at + 1, bytesMax);
      // In a state that is packed anew the rest is zero, and costs nothing in a delta.
      view.setUint8(at, encoder.encodeInto(value, bytes).written);
    },
    read(view, at) {
      const size = view.getUint8(at);
      if (size > bytesMax) throw new RangeError("text");
      return decoder.decode(new Uint8Array(view.buffer, view.byteOffset + at + 1, size));
    },
    mix: stepped,
  };
}

/** `count` values of one kind. */
export function vec<Value>(count: number, field: Field<Value>): Field<Value[]> {
  return {
    size: count * field.size,
    write(view, at, values) {
      if (values.length !== count) throw new TickwireError("bad_argument", `vec: ${values.length} values, not ${count}`);
      for (const [index, value] of values.entries()) field.write(view, at + index * field.size, value);
    },
    read: (view, at) => Array.from({ length: count }, (_, index) => field.read(view, at + index * field.size)),
    mix: (older, newer, share) => newer.map((value, index) => field.mix(older[index] as Value, value, share)),
  };
}

/** Any value as JSON: easy, and several times as many bytes. For states whose size does not matter. */
export function json<State>(): Codec<State> {
  return {
    encode: (state) => encoder.encode(JSON.stringify(state)),
    decode(bytes) {
      try {
        return JSON.parse(decoder.decode(bytes)) as State;
      } catch {
        return null;
      }
    },
  };
}
