import { types } from "node:util";
import { decode, encode, type Codec } from "./codec.js";
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

/** Encodes `value` once, to be written many times. */
export function encodeOnce<T>(codec: Codec<T>, value: T): Encoded<T> {
  return { value, bytes: encode(codec, value) };
}

/** Decodes all of `bytes` and keeps them beside the value. */
export function decodeOnce<T>(codec: Codec<T>, bytes: Uint8Array, limits?: Partial<Limits>): Encoded<T> {
  return { value: decode(codec, bytes, limits), bytes };
}
