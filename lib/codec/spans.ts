import type { Codec } from "./codec.js";
import { vector } from "./collections.js";
import { located } from "./fault.js";
import { Reader } from "./reader.js";

/** A list, or a vector whose elements are read when they are asked for. */
export interface Sequence<T> extends Iterable<T> {
  readonly length: number;
  /** As of arrays. Goes over the elements before it. */
  at(index: number): T | undefined;
}

/**
 * `T name<V>` of structs that hold nothing but opaque vectors: for long lists of which few elements are looked at. All is checked, and the
 * elements counted, when it is read. A list can be written as well.
 */
export function spans<T>(element: Codec<T>): Codec<Sequence<T>> {
  const fields = opaqueFields(element);
  const list = vector(element) as unknown as Codec<Sequence<T>>;
  return {
    ...list,
    read: (r) => {
      const length = r.length();
      const outer = r.end;
      const start = r.offset;
      r.end = start + length;
      const count = checkAll(r, fields);
      r.end = outer;
      return new Spans(element, fields.length, r.since(start), count);
    },
    write: (w, value, parent) => {
      if (!(value instanceof Spans)) return list.write(w, value, parent);
      w.length(value.octets.byteLength);
      w.octets(value.octets);
    },
    json: (value, parent) => list.json(value instanceof Spans ? [...(value as Spans<T>)] : value, parent),
  };
}

/** The names of the fields. */
function opaqueFields({ name, shape }: Codec<unknown>): string[] {
  const steps = shape.kind === "struct" ? shape.steps : [];
  const fits = steps.every(
    ({ codec, condition }) =>
      condition === undefined && codec.shape.kind === "opaque" && codec.shape.size === undefined,
  );
  if (steps.length === 0 || !fits) throw new TypeError(`${name} does not consist of opaque vectors`);
  return steps.map(({ key }) => key);
}

/** Passes over elements up to the end; answers how many there are. */
function checkAll(r: Reader, fields: readonly string[]): number {
  let count = 0;
  let field = -1;
  try {
    for (; r.offset < r.end; count++) {
      field = -1;
      r.countElement();
      for (field = 0; field < fields.length; field++) r.skip(r.length());
    }
    return count;
  } catch (error) {
    const key = fields[field];
    throw located(key === undefined ? error : located(error, key), count);
  }
}

const unlimited = { maxSize: Infinity, maxElements: Infinity };
const none = Object.freeze({});

class Spans<T> implements Sequence<T> {
  readonly length: number;
  /** The elements, without the header of the vector. */
  readonly octets: Uint8Array;
  readonly #element: Codec<T>;
  readonly #fields: number;

  constructor(element: Codec<T>, fields: number, octets: Uint8Array, length: number) {
    this.#element = element;
    this.#fields = fields;
    this.octets = octets;
    this.length = length;
  }

  at(index: number): T | undefined {
    const whole = Math.trunc(index) || 0;
    const before = whole < 0 ? whole + this.length : whole;
    if (before < 0 || before >= this.length) return undefined;
    const reader = new Reader(this.octets, unlimited);
    for (let i = before * this.#fields; i > 0; i--) reader.skip(reader.length());
    return this.#element.read(reader, none);
  }

  *[Symbol.iterator](): Generator<T, void> {
    const reader = new Reader(this.octets, unlimited);
    while (reader.offset < reader.end) yield this.#element.read(reader, none);
  }
}
