import { describe, expect, test } from "@jest/globals";
import { decode, encode, opaque, optional, spans, struct, toJSON, uint8, vector } from "#dist/codec/index.js";

const Pair = struct("Pair", { first: opaque, second: opaque });
const lazy = struct("Holder", { before: uint8, pairs: spans(Pair), after: uint8 });
const eager = struct("Holder", { before: uint8, pairs: vector(Pair), after: uint8 });

const pair = (n: number) => ({ first: new Uint8Array(n).fill(n), second: Uint8Array.of(n) });
const holder = (count: number) => ({ before: 7, pairs: Array.from({ length: count }, (_, n) => pair(n)), after: 9 });

describe.each([0, 1, 2, 300])("a list of %i", (count) => {
  const value = holder(count);
  const bytes = encode(lazy, value);
  const { pairs, ...around } = decode(lazy, bytes);

  test("has the encoding and the JSON form of a vector", () => {
    expect(bytes).toEqual(encode(eager, value));
    expect(encode(lazy, { ...around, pairs })).toEqual(bytes);
    expect(toJSON(lazy, { ...around, pairs })).toEqual(toJSON(eager, value));
    expect(toJSON(lazy, value)).toEqual(toJSON(eager, value));
    expect(around).toEqual({ before: 7, after: 9 });
  });

  test("gives its elements one after the other and by their place", () => {
    expect(pairs).toHaveLength(count);
    expect([...pairs]).toEqual(value.pairs);
    for (const index of [0, 1, count - 1, count, -1, -count, -count - 1, 0.5, -0.5, NaN]) {
      expect(pairs.at(index)).toEqual(value.pairs.at(index));
    }
  });
});

test("what is wrong in an element is refused at once, as in a vector", () => {
  const bytes = encode(eager, holder(80));
  const refusal = (codec: typeof lazy | typeof eager, input: Uint8Array) => {
    try {
      decode<unknown>(codec, input, { maxElements: 80 });
      return undefined;
    } catch (error) {
      const { code, message, path, offset, rule } = error as Record<string, unknown>;
      return { code, message, path, offset, rule };
    }
  };
  let refused = 0;
  for (let at = 0; at < bytes.byteLength; at += 3) {
    for (const octet of [0x00, 0x40, 0x80, 0xff]) {
      const input = Buffer.from(bytes);
      input[at] = octet;
      const found = refusal(lazy, input);
      expect(found).toEqual(refusal(eager, input));
      if (found !== undefined) refused++;
    }
  }
  expect(refused).toBeGreaterThan(100);
});

test("elements count against the limit", () => {
  const bytes = encode(lazy, holder(5));
  expect([...decode(lazy, bytes, { maxElements: 5 }).pairs]).toHaveLength(5);
  expect(() => decode(lazy, bytes, { maxElements: 4 })).toThrow(expect.objectContaining({ path: "Holder.pairs[4]" }));
});

test("only structs of opaque vectors are declared so", () => {
  expect(() => spans(opaque)).toThrow(TypeError);
  expect(() => spans(struct("Mixed", { octets: opaque, number: uint8 }))).toThrow("Mixed does not consist of");
  expect(() => spans(struct("Nested", { octets: optional(opaque) }))).toThrow(TypeError);
});
