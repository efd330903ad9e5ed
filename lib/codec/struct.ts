import { maxDepth, type Codec, type Json } from "./codec.js";
import type {
  ConditionalField,
  Fields,
  Joined,
  Otherwise,
  Part,
  Select,
  Simplify,
  Struct,
  Unassigned,
  Variant,
  Variants,
} from "./declaration.js";
import type { Enumeration, Members } from "./enumeration.js";
import {
  checkObject,
  greatestDepth,
  jsonSteps,
  leastSize,
  readSteps,
  stepsOf,
  writeSteps,
  type Values,
} from "./steps.js";

/**
 * `struct { ... } name`: declared once as data, it gives the type (`Infer`), the reader, the writer and the JSON form.
 * `parts` are records of fields and selects, in the order of the wire.
 */
export function struct<const P extends readonly Part[]>(name: string, ...parts: P): Struct<Simplify<Joined<P>>> {
  const steps = stepsOf(parts);
  const depth = 1 + greatestDepth(steps);
  if (depth > maxDepth) throw new TypeError(`${name} nests deeper than ${maxDepth}`);
  const codec: Struct<Values> = {
    name,
    parts,
    minSize: leastSize(steps),
    depth,
    shape: { kind: "struct", steps },
    read: (r) => {
      const value: Values = {};
      readSteps(steps, r, value);
      return value;
    },
    write: (w, value) => writeSteps(steps, w, checkObject(value)),
    json: (value) => {
      const out: Record<string, Json> = {};
      jsonSteps(steps, checkObject(value), out);
      return out;
    },
  };
  return codec as unknown as Struct<Simplify<Joined<P>>>;
}

/**
 * `select (tag)`: reads the enum into the field `tag`, then the fields of the variant that it names.
 * With `otherwise`, values that have no variant of their own are kept with those fields; value 0, reserved in every registry of
 * RFC 9420, is refused all the same.
 */
export function select<
  Tag extends string,
  M extends Members,
  T extends number,
  V extends { readonly [N in keyof M]: Variant },
  O extends Fields | undefined = undefined,
>(tag: Tag, of: Enumeration<M, T>, variants: V, otherwise?: O): Select<Variants<Tag, M, V> | Otherwise<Tag, O>> {
  const byValue = Object.entries<Variant>(variants).map(([name, fields]) => [of.members[name]!, fields] as const);
  return {
    kind: "select",
    tag,
    enumeration: of,
    variants: new Map(byValue),
    otherwise,
  };
}

/** A field whose type, one of `choices`, depends on earlier fields of the same struct. */
export function dependent<T, P>(choices: readonly Codec<T>[], choose: (parent: P) => Codec<T>): Codec<T> {
  return {
    name: choices[0]!.name,
    minSize: Math.min(...choices.map((codec) => codec.minSize)),
    depth: Math.max(...choices.map((codec) => codec.depth)),
    shape: { kind: "dependent", choose: choose as (parent: object) => Codec<unknown> },
    read: (r, parent) => choose(parent as P).read(r, parent),
    write: (w, value, parent) => choose(parent as P).write(w, value, parent),
    json: (value, parent) => choose(parent as P).json(value, parent),
  };
}

/** A field that is on the wire when `condition` holds for the fields before it, and undefined otherwise. */
export function presentWhen<T, P>(condition: (parent: P) => boolean, codec: Codec<T>): ConditionalField<T> {
  return { ...codec, minSize: 0, conditional: condition };
}

/** Marks `value` as one that the registry does not name, for the variants that carry unknown types. */
export function unassignedType(value: number): Unassigned {
  return value;
}
