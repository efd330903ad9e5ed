import { types } from "node:util";
import { decode, encode, type Codec } from "./codec.js";
import type { AnyCodec } from "./declaration.js";
import { misfit } from "./fault.js";
import type { Limits } from "./limits.js";

/** A value together with its encoding, for what is hashed, signed or sent more than once. */
export interface Encoded<T> {
  readonly value: T;
  readonly bytes: Uint8Array;
}

/** Reads like `codec` and keeps a view on the octets read; writes those octets as they are. */
export function encoded<T>(codec: Codec<T>): Codec<Encoded<T>> {
  return {
    name: codec.name,
    minSize: codec.minSize,
    depth: codec.depth,
    shape: { kind: "encoded", of: codec },
    read: (r, parent) => {
      const start = r.offset;
      const value = codec.read(r, parent);
      return { value, bytes: r.since(start) };
    },
    write: (w, { bytes }) => {
      if (!types.isUint8Array(bytes)) throw misfit("a value with its encoding is wanted");
      w.octets(bytes);
    },
    json: ({ value }, parent) => codec.json(value, parent),
  };
}

/**
 * The same type, whose values keep in mind from which octets they were read: written again, they are these octets. For structs that come in
 * one message and go on into others, or into a hash. A value that is made of parts of another one is written field by field.
 */
export function remembered<C extends AnyCodec>(codec: C): C {
  const plain: Codec<object> = codec;
  const octets = new WeakMap<object, Uint8Array>();
  const remembering: Pick<Codec<object>, "read" | "write"> = {
    read: (r, parent) => {
      const start = r.offset;
      const value = plain.read(r, parent);
      octets.set(value, r.since(start));
      return value;
    },
    write: (w, value, parent) => {
      const known = octets.get(value);
      if (known === undefined) plain.write(w, value, parent);
      else w.octets(known);
    },
  };
  return { ...codec, ...remembering };
}

/** Encodes `value` once, to be written many times. */
export function encodeOnce<T>(codec: Codec<T>, value: T): Encoded<T> {
  return { value, bytes: encode(codec, value) };
}

/** Decodes all of `bytes` and keeps them beside the value. */
export function decodeOnce<T>(codec: Codec<T>, bytes: Uint8Array, limits?: Partial<Limits>): Encoded<T> {
  return { value: decode(codec, bytes, limits), bytes };
}
