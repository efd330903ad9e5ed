import type { FieldStep } from "#dist/codec/codec.js";
import type { Codec } from "tinymls/messages";

/** A tag chooses the fields that follow and may have values that are not known. */
export type Mark = "length" | "presence" | "enum" | "tag";

/** Writes the `index`-th place of kind `mark` wrongly, as `how` says. */
export interface Sabotage {
  readonly mark: Mark;
  readonly index: number;
  readonly how: "one size too wide" | "two sizes too wide" | "prefix 3" | "a gigabyte" | number;
}

/** What has a length before it, in octets from the start of the encoding. */
export interface Vector {
  readonly header: number;
  readonly start: number;
  readonly end: number;
  /** Octets of its last element; 0 for one that is empty or an opaque. */
  readonly last: number;
}

/** What was encoded, where it was sabotaged, how many places of each kind there are, and all vectors. */
export interface Reference {
  readonly bytes: Buffer;
  readonly offset: number;
  readonly counts: Record<Mark, number>;
  readonly vectors: readonly Vector[];
}

/**
 * A second encoder, plain and slow: it builds each vector before its header, shares no code with `Writer`, and can write one
 * place wrongly while all lengths around it stay right.
 */
export function encodeReference(codec: Codec<unknown>, value: unknown, sabotage?: Sabotage): Reference {
  const counts = { length: 0, presence: 0, enum: 0, tag: 0 };
  const headers = new Map<Buffer, { readonly length: number; readonly last: number }>();
  let spoiled: Buffer | undefined;

  /** Counts the place, and spoils it when it is the one. */
  const place = (mark: Mark, right: Buffer, spoil: (how: Sabotage["how"]) => Buffer): Buffer =>
    counts[mark]++ === sabotage?.index && sabotage.mark === mark ? (spoiled = spoil(sabotage.how)) : right;

  const withHeader = (content: Buffer[], count: number, last: number): Buffer[] => {
    const length = lengthOf(content);
    const inner = counts.length;
    counts.length = count;
    const head = place("length", header(length), (how) => spoiledHeader(length, how));
    counts.length = Math.max(inner, counts.length);
    headers.set(head, { length, last });
    return [head, ...content];
  };

  const write = (type: Codec<unknown>, item: unknown, parent: object): Buffer[] => {
    const { shape } = type;
    switch (shape.kind) {
      case "integer":
        return [integer(item as number | bigint, shape.width)];
      case "enum": {
        const right = integer(item as number, shape.width);
        return [shape.open ? right : place("enum", right, (how) => integer(how as number, shape.width))];
      }
      case "opaque": {
        const content = [Buffer.from(item as Uint8Array)];
        return shape.size === undefined ? withHeader(content, counts.length, 0) : content;
      }
      case "padding":
        return [Buffer.alloc(item as number)];
      case "vector": {
        const own = counts.length++;
        const elements = (item as unknown[]).map((each) => write(shape.of, each, parent));
        return withHeader(elements.flat(), own, lengthOf(elements.at(-1) ?? []));
      }
      case "optional": {
        const presence = place("presence", Buffer.of(item === null ? 0 : 1), (how) => Buffer.of(how as number));
        return item === null ? [presence] : [presence, ...write(shape.of, item, parent)];
      }
      case "encoded":
        return write(shape.of, (item as { value: unknown }).value, parent);
      case "dependent":
        return write(shape.choose(parent), item, parent);
      case "struct":
        return fields(shape.steps, item as Record<string, unknown>);
    }
  };

  const fields = (steps: readonly FieldStep[], struct: Record<string, unknown>): Buffer[] =>
    steps.flatMap(({ key, codec: type, condition, select }) => {
      if (condition && !condition(struct)) return [];
      const variant = select && (select.variants.get(struct[key] as number) ?? select.otherwise!);
      const written = write(type, struct[key], struct);
      const field =
        select?.otherwise === undefined
          ? written
          : [place("tag", Buffer.concat(written), () => Buffer.alloc(lengthOf(written)))];
      return variant ? [...field, ...fields(variant, struct)] : field;
    });

  const pieces = write(codec, value, {});
  const vectors: Vector[] = [];
  let [offset, at] = [0, 0];
  for (const piece of pieces) {
    if (piece === spoiled) offset = at;
    const { length, last = 0 } = headers.get(piece) ?? {};
    const start = at + piece.length;
    if (length !== undefined) vectors.push({ header: at, start, end: start + length, last });
    at = start;
  }
  return { bytes: Buffer.concat(pieces), counts, offset, vectors };
}

/** The encoding with another length before a vector, all others as they were; undefined where it would need another width. */
export function withLength({ bytes }: Reference, { header: at, start }: Vector, length: number): Buffer | undefined {
  const written = header(length);
  if (written.length !== start - at) return undefined;
  return Buffer.concat([bytes.subarray(0, at), written, bytes.subarray(start)]);
}

/** Where what is around a vector ends: another vector, or all. */
export function endAround({ bytes, vectors }: Reference, { header: at, end }: Vector): number {
  const around = vectors.filter((other) => other.start <= at && other.end >= end && other.header !== at);
  return Math.min(bytes.length, ...around.map((other) => other.end));
}

function lengthOf(pieces: readonly Buffer[]): number {
  return pieces.reduce((sum, { length }) => sum + length, 0);
}

function header(length: number, size = length < 64 ? 0 : length < 16384 ? 1 : 2): Buffer {
  const out = integer(length, 2 ** size);
  out[0]! |= size << 6;
  return out;
}

function spoiledHeader(length: number, how: Sabotage["how"]): Buffer {
  if (how === "a gigabyte") return Buffer.from("bfffffff", "hex");
  if (how === "two sizes too wide") return header(length, 2);
  if (how === "one size too wide") return header(length, length < 64 ? 1 : 2);
  const out = header(length);
  out[0]! |= 0xc0;
  return out;
}

function integer(value: number | bigint, width: number): Buffer {
  return Buffer.from(value.toString(16).padStart(2 * width, "0"), "hex");
}
