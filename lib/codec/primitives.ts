import { types } from "node:util";
import type { Codec } from "./codec.js";
import { misfit } from "./fault.js";

function unsigned(width: 1 | 2 | 4): Codec<number> {
  const name = `uint${8 * width}`;
  const limit = 2 ** (8 * width);
  const check = (value: number): number => {
    if (Number.isInteger(value) && value >= 0 && value < limit) return value;
    throw misfit(`an integer from 0 to ${limit - 1} is wanted`);
  };
  const shape = { kind: "integer", width } as const;
  const common = { name, shape, minSize: width, depth: 0, json: check };
  if (width === 1) return { ...common, read: (r) => r.uint8(), write: (w, value) => w.uint8(check(value)) };
  if (width === 2) return { ...common, read: (r) => r.uint16(), write: (w, value) => w.uint16(check(value)) };
  return { ...common, read: (r) => r.uint32(), write: (w, value) => w.uint32(check(value)) };
}

export const uint8 = unsigned(1);
export const uint16 = unsigned(2);
export const uint32 = unsigned(4);

const checkUint64 = (value: bigint): bigint => {
  if (typeof value === "bigint" && value >= 0n && value < 1n << 64n) return value;
  throw misfit("a bigint from 0 to 2^64 - 1 is wanted");
};

export const uint64: Codec<bigint> = {
  name: "uint64",
  minSize: 8,
  depth: 0,
  shape: { kind: "integer", width: 8 },
  read: (r) => r.uint64(),
  write: (w, value) => w.uint64(checkUint64(value)),
  json: (value) => checkUint64(value).toString(),
};

function octets(value: Uint8Array): Uint8Array {
  if (value instanceof Uint8Array || types.isUint8Array(value)) return value;
  throw misfit("a Uint8Array is wanted");
}

export const hex = (value: Uint8Array): string =>
  Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("hex");

/** `opaque name<V>`: a view when read. */
export const opaque: Codec<Uint8Array> = {
  name: "opaque",
  minSize: 1,
  depth: 0,
  shape: { kind: "opaque", size: undefined },
  read: (r) => r.take(r.length()),
  write: (w, value) => {
    w.length(octets(value).byteLength);
    w.octets(value);
  },
  json: (value) => hex(octets(value)),
};

/** `opaque<V>` that holds a secret: its octets are never shown. */
export const secretOpaque: Codec<Uint8Array> = {
  ...opaque,
  json: (value) => `[secret, ${octets(value).byteLength} octets]`,
};

/** `opaque name[size]`. */
export function fixed(size: number): Codec<Uint8Array> {
  const check = (value: Uint8Array): Uint8Array => {
    if (octets(value).byteLength === size) return value;
    throw misfit(`${size} octets are wanted`);
  };
  return {
    name: `opaque[${size}]`,
    minSize: size,
    depth: 0,
    shape: { kind: "opaque", size },
    read: (r) => r.take(size),
    write: (w, value) => w.octets(check(value)),
    json: (value) => hex(check(value)),
  };
}

/** Zero octets up to the end of the input; the value is their number. RFC 9420 §6.3.1 refuses any other octet. */
export const zeroPadding: Codec<number> = {
  name: "padding",
  minSize: 0,
  depth: 0,
  shape: { kind: "padding" },
  read: (r) => {
    const start = r.offset;
    for (let at = start; at < r.end; at++) {
      if (r.bytes[at] !== 0) throw r.fault("padding octet other than 0", at, "6.3.1/padding-zero");
    }
    r.offset = r.end;
    return r.end - start;
  },
  write: (w, value) => {
    if (!Number.isSafeInteger(value) || value < 0) throw misfit("an integer of at least 0 is wanted");
    w.zeros(value);
  },
  json: (value) => value,
};
