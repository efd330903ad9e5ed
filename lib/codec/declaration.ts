/** What a struct is declared from, and the types that follow from the declaration. */
import type { Codec, Infer } from "./codec.js";
import type { Enumeration, Members } from "./enumeration.js";

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- the bound of any codec, whatever it reads
export type AnyCodec = Codec<any>;
export type Fields = Readonly<Record<string, AnyCodec>>;

/** A field that is there only for some values of earlier fields. */
export interface ConditionalField<T> extends Codec<T> {
  readonly conditional: (parent: never) => boolean;
}

type ConditionalKeys<F extends Fields> = {
  [K in keyof F]: F[K] extends { readonly conditional: unknown } ? K : never;
}[keyof F];

export type Simplify<T> = T extends unknown ? { [K in keyof T]: T[K] } : never;

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
export type Variants<Tag extends string, M extends Members, V> = {
  [N in keyof V & keyof M]: Simplify<{ readonly [T in Tag]: M[N] } & VariantValues<V[N]>>;
}[keyof V & keyof M];
export type Otherwise<Tag extends string, O> = O extends Fields
  ? Simplify<{ readonly [T in Tag]: Unassigned } & FieldValues<O>>
  : never;

/** A struct, with the fields and selects that it was declared from. */
export interface Struct<T> extends Codec<T> {
  readonly parts: readonly Part[];
}

export type Part = Fields | Select<unknown>;

type PartValue<P> = P extends Select<infer V> ? V : P extends Fields ? FieldValues<P> : never;
/** The value of a struct of the parts `P`. */
export type Joined<P extends readonly unknown[]> = P extends readonly [infer First, ...infer Rest]
  ? PartValue<First> & Joined<Rest>
  : unknown;
