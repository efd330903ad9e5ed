import type { FieldStep } from "#dist/codec/codec.js";
import type { Codec } from "tinymls/messages";
import type { Dice } from "./dice.js";
import { encodeReference } from "./reference.js";

const lengths = [0, 1, 2, 32, 0x3e, 0x3f, 0x40, 0x41, 0xff, 0x100];
const rareLengths = [0x3fff, 0x4000, 0x4001];

/** A random value of any codec, built from the shape of its declaration. `depth` keeps values small. */
export function generate(codec: Codec<unknown>, dice: Dice, parent: object = {}, depth = 0): unknown {
  const { shape } = codec;
  switch (shape.kind) {
    case "integer":
      return shape.width === 8 ? dice.uint64() : dice.nat(2 ** (8 * shape.width) - 1);
    case "enum":
      return shape.open && dice.nat(4) === 0 ? dice.nat(0xffff) : dice.pick(...shape.values);
    case "opaque":
      return octets(dice, shape.size ?? drawLength(dice));
    case "padding":
      return drawLength(dice);
    case "vector":
      return Array.from({ length: dice.nat(depth > 4 ? 1 : 3) }, () => generate(shape.of, dice, parent, depth + 1));
    case "optional":
      return dice.nat(1) ? generate(shape.of, dice, parent, depth) : null;
    case "encoded":
      return withEncoding(shape.of, generate(shape.of, dice, parent, depth));
    case "dependent":
      return generate(shape.choose(parent), dice, parent, depth);
    case "struct":
      return generateFields(shape.steps, dice, {}, depth + 1);
  }
}

function withEncoding(codec: Codec<unknown>, value: unknown): object {
  return { value, bytes: new Uint8Array(encodeReference(codec, value).bytes) };
}

function generateFields(
  steps: readonly FieldStep[],
  dice: Dice,
  value: Record<string, unknown>,
  depth: number,
): object {
  for (const { key, codec, condition, select } of steps) {
    if (condition && !condition(value)) continue;
    value[key] = select ? drawTag(select, dice) : generate(codec, dice, value, depth);
    const variant = select && (select.variants.get(value[key] as number) ?? select.otherwise!);
    if (variant) generateFields(variant, dice, value, depth);
  }
  return value;
}

function drawTag(select: NonNullable<FieldStep["select"]>, dice: Dice): number {
  const known = [...select.variants.keys()];
  if (!select.otherwise || dice.nat(4) > 0) return dice.pick(...known);
  return dice.pick(0x0a0a, 0xeaea, 0xf000, 0xffff);
}

function drawLength(dice: Dice): number {
  return dice.nat(60) === 0 ? dice.pick(...rareLengths) : dice.pick(...lengths);
}

function octets(dice: Dice, length: number): Uint8Array {
  const seed = dice.nat(255);
  return Uint8Array.from({ length }, (_, index) => (seed + 7 * index) & 0xff);
}
