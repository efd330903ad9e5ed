import type { Codec } from "./codec.js";
import { misfit } from "./fault.js";
import type { uint8 } from "./primitives.js";

export type Members = Readonly<Record<string, number>>;

/** A codec of an enum, which knows the names of its members. */
export interface Enumeration<M extends Members, T extends number> extends Codec<T> {
  readonly members: M;
  nameOf(value: number): string | undefined;
}

type Integer = typeof uint8;

function nameOf(members: Members): (value: number) => string | undefined {
  const names = new Map(Object.entries(members).map(([name, value]) => [value, name]));
  return (value) => names.get(value);
}

/** An enum whose unknown values are refused. */
export function enumeration<const M extends Members>(
  name: string,
  integer: Integer,
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
  integer: Integer,
  members: M,
): Enumeration<M, number> {
  const lookup = nameOf(members);
  return {
    ...integer,
    name,
    members,
    nameOf: lookup,
    json: (value, parent) => lookup(value) ?? integer.json(value, parent),
  };
}
