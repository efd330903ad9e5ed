import { maxDepth, type Codec, type Infer, type Json } from "./codec.js";
import type { Enumeration, Members } from "./enumeration.js";
import { located, misfit } from "./fault.js";
import type { Reader } from "./reader.js";
import type { Writer } from "./writer.js";

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- the bound of any codec, whatever it reads
type AnyCodec = Codec<any>;
export type Fields = Readonly<Record<string, AnyCodec>>;

/** A field that is there only for some values of earlier fields. */
export interface ConditionalField<T> extends Codec<T> {
  readonly conditional: (parent: never) => boolean;
}

type ConditionalKeys<F extends Fields> = {
  [K in keyof F]: F[K] extends { readonly conditional: unknown } ? K : never;
}[keyof F];

type Simplify<T> = T extends unknown ? { [K in keyof T]: T[K] } : never;

export type FieldValues<F extends Fields> = {
  readonly [K in Exclude<keyof F, ConditionalKeys<F>>]: Infer<F[K]>;
} & { readonly [K in ConditionalKeys<F>]?: Infer<F[K]> };

/**
 * A number that the registry does not name; to TypeScript a unit type that none of the named ones overlaps, so that an enum
 * tells all variants apart.
 */
export declare enum Unassigned {
  "any number without a name" = -1,
}

/** Marks `value` as one that the registry does not name, for the variants that carry unknown types. */
export function unassignedType(value: number): Unassigned {
  return value;
}

/** The variants of a struct, chosen by the enum that stands before them. */
export interface Select<V> {
  readonly kind: "select";
  readonly tag: string;
  readonly enumeration: Enumeration<Members, number>;
  readonly variants: ReadonlyMap<number, Variant>;
  readonly otherwise: Fields | undefined;
  readonly type?: V;
}

/** Fields, or a struct whose fields stand here. */
export type Variant = Fields | Struct<unknown>;

type VariantValues<V> = V extends Codec<infer T> ? T : V extends Fields ? FieldValues<V> : never;
type Variants<Tag extends string, M extends Members, V> = {
  [N in keyof V & keyof M]: Simplify<{ readonly [T in Tag]: M[N] } & VariantValues<V[N]>>;
}[keyof V & keyof M];
type Otherwise<Tag extends string, O> = O extends Fields
  ? Simplify<{ readonly [T in Tag]: Unassigned } & FieldValues<O>>
  : never;

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
    read: (r, parent) => choose(parent as P).read(r, parent),
    write: (w, value, parent) => choose(parent as P).write(w, value, parent),
    json: (value, parent) => choose(parent as P).json(value, parent),
  };
}

/** A field that is on the wire when `condition` holds for the fields before it, and undefined otherwise. */
export function presentWhen<T, P>(condition: (parent: P) => boolean, codec: Codec<T>): ConditionalField<T> {
  return { ...codec, width: undefined, minSize: 0, conditional: condition };
}

type PartValue<P> = P extends Select<infer V> ? V : P extends Fields ? FieldValues<P> : never;
type Joined<P extends readonly unknown[]> = P extends readonly [infer First, ...infer Rest]
  ? PartValue<First> & Joined<Rest>
  : unknown;

interface FieldStep {
  readonly key: string;
  readonly codec: AnyCodec;
  readonly condition: ((parent: object) => boolean) | undefined;
  readonly select: SelectStep | undefined;
}
interface SelectStep {
  readonly variants: ReadonlyMap<number, readonly FieldStep[]>;
  readonly otherwise: readonly FieldStep[] | undefined;
}
type Values = Record<string, unknown>;

/** A struct, with the fields and selects that it was declared from. */
export interface Struct<T> extends Codec<T> {
  readonly parts: readonly (Fields | Select<unknown>)[];
}

/**
 * `struct { ... } name`: declared once as data, it gives the type (`Infer`), the reader, the writer and the JSON form.
 * `parts` are records of fields and selects, in the order of the wire.
 */
export function struct<const P extends readonly (Fields | Select<unknown>)[]>(
  name: string,
  ...parts: P
): Struct<Simplify<Joined<P>>> {
  const steps = stepsOf(parts);
  const depth = 1 + greatestDepth(steps);
  if (depth > maxDepth) throw new TypeError(`${name} nests deeper than ${maxDepth}`);
  const codec: Struct<Values> = {
    name,
    parts,
    minSize: steps.reduce((sum, step) => sum + minSizeOf(step), 0),
    depth,
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

function isSelect(part: Fields | Select<unknown>): part is Select<unknown> {
  return part["kind"] === "select";
}

function stepsOf(parts: readonly (Fields | Select<unknown>)[]): FieldStep[] {
  return parts.flatMap((part) => (isSelect(part) ? [selectStep(part)] : fieldSteps(part)));
}

function variantSteps(variant: Variant): FieldStep[] {
  return "parts" in variant ? stepsOf((variant as Struct<unknown>).parts) : fieldSteps(variant);
}

function fieldSteps(fields: Fields): FieldStep[] {
  return Object.entries(fields).map(([key, codec]) => ({
    key,
    codec,
    condition: "conditional" in codec ? (codec as ConditionalField<unknown>).conditional : undefined,
    select: undefined,
  })) as FieldStep[];
}

function selectStep(part: Select<unknown>): FieldStep {
  const variants = new Map([...part.variants].map(([value, fields]) => [value, variantSteps(fields)]));
  const otherwise = part.otherwise && fieldSteps(part.otherwise);
  return { key: part.tag, codec: part.enumeration, condition: undefined, select: { variants, otherwise } };
}

function branches(select: SelectStep): (readonly FieldStep[])[] {
  return [...select.variants.values(), ...(select.otherwise ? [select.otherwise] : [])];
}

function greatestDepth(steps: readonly FieldStep[]): number {
  return Math.max(
    0,
    ...steps.map(({ codec, select }) => Math.max(codec.depth, ...(select ? branches(select).map(greatestDepth) : []))),
  );
}

function minSizeOf({ codec, select }: FieldStep): number {
  if (!select) return codec.minSize;
  const sizes = branches(select).map((steps) => steps.reduce((sum, step) => sum + minSizeOf(step), 0));
  return codec.minSize + Math.min(...sizes);
}

function variantOf(select: SelectStep, tag: unknown): readonly FieldStep[] | undefined {
  return select.variants.get(tag as number) ?? (tag === 0 ? undefined : select.otherwise);
}

function readSteps(steps: readonly FieldStep[], r: Reader, value: Values): void {
  let index = 0;
  let inVariant = false;
  try {
    for (; index < steps.length; index++) {
      const step = steps[index]!;
      if (step.condition !== undefined && !step.condition(value)) continue;
      const start = r.offset;
      const field: unknown = step.codec.read(r, value);
      value[step.key] = field;
      if (step.select === undefined) continue;
      const variant = variantOf(step.select, field);
      if (variant === undefined)
        throw r.fault(`${String(field)} is not a ${step.codec.name} that has a meaning here`, start);
      inVariant = true;
      readSteps(variant, r, value);
      inVariant = false;
    }
  } catch (error) {
    throw inVariant ? error : located(error, steps[index]!.key);
  }
}

function writeSteps(steps: readonly FieldStep[], w: Writer, value: Values): void {
  let index = 0;
  let inVariant = false;
  try {
    for (; index < steps.length; index++) {
      const step = steps[index]!;
      const field = value[step.key];
      if (isAbsent(step, value, field)) continue;
      step.codec.write(w, field, value);
      if (step.select === undefined) continue;
      const variant = variantOf(step.select, field);
      if (variant === undefined) throw misfit(`${String(field)} is not a ${step.codec.name} that has a meaning here`);
      inVariant = true;
      writeSteps(variant, w, value);
      inVariant = false;
    }
  } catch (error) {
    throw inVariant ? error : located(error, steps[index]!.key);
  }
}

function jsonSteps(steps: readonly FieldStep[], value: Values, out: Record<string, Json>): void {
  for (const step of steps) {
    const field = value[step.key];
    try {
      if (isAbsent(step, value, field)) continue;
      out[step.key] = step.codec.json(field, value);
    } catch (error) {
      throw located(error, step.key);
    }
    const variant = step.select && variantOf(step.select, field);
    if (variant) jsonSteps(variant, value, out);
  }
}

function isAbsent(step: FieldStep, value: Values, field: unknown): boolean {
  if (step.condition === undefined || step.condition(value)) return false;
  if (field !== undefined) throw misfit("a field that this kind of struct does not have");
  return true;
}

function checkObject(value: unknown): Values {
  if (typeof value === "object" && value !== null) return value as Values;
  throw misfit("an object is wanted");
}
