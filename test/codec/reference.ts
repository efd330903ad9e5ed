import type { FieldStep } from "#dist/codec/codec.js";
import type { Codec } from "tinymls/messages";

export type Mark = "length" | "presence" | "enum";

/** Writes the `index`-th place of kind `mark` wrongly, as `how` says. */
export interface Sabotage {
  readonly mark: Mark;
  readonly index: number;
  readonly how: "one size too wide" | "two sizes too wide" | "prefix 3" | "a gigabyte" | number;
}

/** What was encoded, where it was sabotaged, and how many places of each kind there are. */
export interface Reference {
  readonly bytes: Buffer;
  readonly offset: number;
  readonly counts: Record<Mark, number>;
}

/**
 * A second encoder, plain and slow: it builds each vector before its header, shares no code with `Writer`, and can write one
 * place wrongly while all lengths around it stay right.
 */
export function encodeReference(codec: Codec<unknown>, value: unknown, sabotage?: Sabotage): Reference {
  const counts = { length: 0, presence: 0, enum: 0 };
  let spoiled: Buffer | undefined;

  /** Counts the place, and spoils it when it is the one. */
  const place = (mark: Mark, right: Buffer, spoil: (how: Sabotage["how"]) => Buffer): Buffer =>
    counts[mark]++ === sabotage?.index && sabotage.mark === mark ? (spoiled = spoil(sabotage.how)) : right;

  const withHeader = (content: Buffer[], count: number): Buffer[] => {
    const length = content.reduce((sum, piece) => sum + piece.length, 0);
    const inner = counts.length;
    counts.length = count;
    const head = place("length", header(length), (how) => spoiledHeader(length, how));
    counts.length = Math.max(inner, counts.length);
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
        return shape.size === undefined ? withHeader(content, counts.length) : content;
      }
      case "padding":
        return [Buffer.alloc(item as number)];
      case "vector": {
        const own = counts.length++;
        const content = (item as unknown[]).flatMap((each) => write(shape.of, each, parent));
        return withHeader(content, own);
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
      const field = write(type, struct[key], struct);
      return variant ? [...field, ...fields(variant, struct)] : field;
    });

  const pieces = write(codec, value, {});
  const before = spoiled === undefined ? [] : pieces.slice(0, pieces.indexOf(spoiled));
  return { bytes: Buffer.concat(pieces), counts, offset: before.reduce((sum, piece) => sum + piece.length, 0) };
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
