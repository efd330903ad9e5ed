import type { Codec, Shape } from "./codec.js";
import { misfit } from "./fault.js";

export type Members = Readonly<Record<string, number>>;

/** A codec of an enum, which knows the names of its members. */
export interface Enumeration<M extends Members, T extends number> extends Codec<T> {
  readonly members: M;
  /** The name of `value`, where it has one. */
  nameOf(value: number): string | undefined;
}

function nameOf(members: Members): (value: number) => string | undefined {
  const names = new Map(Object.entries(members).map(([name, value]) => [value, name]));
  return (value) => names.get(value);
}

function shapeOf(integer: Codec<number>, members: Members, open: boolean): Shape {
  if (integer.minSize > 2) throw new TypeError("enums of RFC 9420 have one or two octets");
  return { kind: "enum", width: integer.minSize as 1 | 2, values: Object.values(members), open };
}

/** An enum whose unknown values are refused. */
export function enumeration<const M extends Members>(
  name: string,
  integer: Codec<number>,
  members: M,
): Enumeration<M, M[keyof M]> {
  const known = new Set<number>(Object.values(members));
  const lookup = nameOf(members);
  const check = (value: number): M[keyof M] => {
    if (known.has(value)) return value as M[keyof M];
    throw misfit(`${String(value)} is not a ${name}`);
  };
  return {
    ...integer,
    name,
    members,
    shape: shapeOf(integer, members, false),
    nameOf: lookup,
    read: (r, parent) => {
      const at = r.offset;
      const value = integer.read(r, parent);
      if (known.has(value)) return value as M[keyof M];
      throw r.fault(`${value} is not a ${name}`, at);
    },
    write: (w, value, parent) => integer.write(w, check(value), parent),
    json: (value) => lookup(check(value))!,
  };
}

/** An enum whose unknown values are kept, as RFC 9420 §13 wants for what can be extended. They show as numbers. */
export function openEnumeration<const M extends Members>(
  name: string,
  integer: Codec<number>,
  members: M,
): Enumeration<M, number> {
  const lookup = nameOf(members);
  return {
    ...integer,
    name,
    members,
    shape: shapeOf(integer, members, true),
    nameOf: lookup,
    json: (value, parent) => lookup(value) ?? integer.json(value, parent),
  };
}
