import { types } from "node:util";
import { TinyMlsError } from "../errors.js";
import { CodecFault, published } from "./fault.js";
import { limitsFrom, type Limits } from "./limits.js";
import { Reader } from "./reader.js";
import { Writer } from "./writer.js";

export type Json = string | number | boolean | null | Json[] | { [name: string]: Json };

/** How one type of the presentation language is read, written and shown. */
export interface Codec<T> {
  readonly name: string;
  /** The fewest octets that a value takes. */
  readonly minSize: number;
  /** Structs and vectors one inside the other. */
  readonly depth: number;
  /** `parent` is the struct read so far, for fields that depend on earlier ones. */
  read(reader: Reader, parent: object): T;
  /** `parent` is the struct that `value` is a field of. */
  write(writer: Writer, value: T, parent: object): void;
  /** JSON-safe: octets as hex, enums by name, 64-bit integers as text. */
  json(value: T, parent: object): Json;
  /** What the type consists of. */
  readonly shape: Shape;
}

/** A type as data, for what walks declarations: readers of many numbers, generators of test values. */
export type Shape =
  | { readonly kind: "integer"; readonly width: 1 | 2 | 4 | 8 }
  | { readonly kind: "enum"; readonly width: 1 | 2; readonly values: readonly number[]; readonly open: boolean }
  | { readonly kind: "opaque"; readonly size: number | undefined }
  | { readonly kind: "vector" | "optional" | "encoded"; readonly of: Codec<unknown> }
  | { readonly kind: "struct"; readonly steps: readonly FieldStep[] }
  | { readonly kind: "dependent"; readonly choose: (parent: object) => Codec<unknown> }
  | { readonly kind: "padding" };

/** One field of a struct; `select` holds the variants when the field is the enum that chooses among them. */
export interface FieldStep {
  readonly key: string;
  readonly codec: Codec<unknown>;
  readonly condition: ((parent: object) => boolean) | undefined;
  readonly select: SelectStep | undefined;
}

export interface SelectStep {
  readonly variants: ReadonlyMap<number, readonly FieldStep[]>;
  readonly otherwise: readonly FieldStep[] | undefined;
}

/** The same type under the name by which RFC 9420 knows it. */
export function named<T>(name: string, codec: Codec<T>): Codec<T> {
  return { ...codec, name };
}

/** The type of the values of a codec. */
export type Infer<C> = C extends Codec<infer T> ? T : never;

/** No type of RFC 9420 nests deeper than 20; more in a declaration is a mistake. */
export const maxDepth = 32;

const outermost = Object.freeze({});

/**
 * Reads one value from all of `bytes`. Octets inside the value are views on `bytes`.
 * @throws TinyMlsError `malformed` with the offset from the start of `bytes` and the path of the field.
 */
export function decode<T>(codec: Codec<T>, bytes: Uint8Array, limits?: Partial<Limits>): T {
  requireOctets(bytes, "decode");
  const most = limitsFrom(limits);
  try {
    const reader = new Reader(bytes, most);
    const value = codec.read(reader, outermost);
    const left = reader.end - reader.offset;
    if (left > 0) throw reader.fault(`${left} octets after the end`, reader.offset, "2.1/trailing-octets");
    return value;
  } catch (error) {
    throw published(error, codec.name, "decode");
  }
}

let spare: Writer | undefined = new Writer();

/**
 * @throws TinyMlsError `usage` with the path of the field that does not fit.
 */
export function encode<T>(codec: Codec<T>, value: T): Buffer {
  const writer = spare ?? new Writer();
  spare = undefined;
  try {
    codec.write(writer, value, outermost);
    return writer.result();
  } catch (error) {
    throw published(error, codec.name, "encode");
  } finally {
    writer.clear();
    spare = writer;
  }
}

/** @throws TinyMlsError `usage` where `value` does not fit. */
export function toJSON<T>(codec: Codec<T>, value: T): Json {
  try {
    return codec.json(value, outermost);
  } catch (error) {
    throw published(error, codec.name, "toJSON");
  }
}

/** Whether `bytes` is one whole value. */
export function isEncoding(codec: Codec<unknown>, bytes: Uint8Array, limits?: Partial<Limits>): boolean {
  requireOctets(bytes, "isEncoding");
  try {
    const reader = new Reader(bytes, limitsFrom(limits));
    codec.read(reader, outermost);
    return reader.offset === reader.end;
  } catch (error) {
    if (error instanceof CodecFault) return false;
    throw error;
  }
}

/**
 * Octets of one's own, since values hold views on what they were decoded from: the caller may use its buffer again, or share it with
 * another thread. What is no Uint8Array is given back as it is.
 */
export function ownCopy(bytes: Uint8Array): Uint8Array {
  if (!types.isUint8Array(bytes)) return bytes;
  return bytes.byteLength === 0 ? new Uint8Array(0) : new Uint8Array(bytes); // a detached one has no octets and no copy
}

function requireOctets(bytes: unknown, operation: string): void {
  if (types.isUint8Array(bytes)) return;
  throw new TinyMlsError("usage", `${operation} wants a Uint8Array`, { operation, component: "codec" });
}
