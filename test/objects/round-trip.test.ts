import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { isDeepStrictEqual } from "node:util";
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { TinyMlsError } from "tinymls";
import { decode, encode, toJSON, type Codec } from "tinymls/messages";
import { Dice } from "../codec/dice.js";
import { generate } from "../codec/generate.js";
import { encodeReference, endAround, withLength, type Mark, type Sabotage } from "../codec/reference.js";
import { everyStruct } from "./every-struct.js";

/** Runs `check` on random values of the struct. */
function forValues(codec: Codec<unknown>, check: (value: unknown, dice: Dice) => void, numRuns = 30): void {
  const property = fc.property(fc.integer(), (seed) => {
    const dice = new Dice(seed);
    check(generate(codec, dice), dice);
  });
  fc.assert(property, { numRuns, endOnFailure: true });
}

function refusal(codec: Codec<unknown>, bytes: Uint8Array): TinyMlsError {
  try {
    decode(codec, bytes);
  } catch (error) {
    if (error instanceof TinyMlsError) return error;
    throw error;
  }
  throw new Error(`accepted ${Buffer.from(bytes).toString("hex")}`);
}

function expectMalformed(codec: Codec<unknown>, bytes: Uint8Array): TinyMlsError {
  const error = refusal(codec, bytes);
  const { code, component, operation, path, offset } = error;
  const said = `${code} ${component} ${operation} ${path?.startsWith(codec.name)} ${offset! <= bytes.length}`;
  if (said !== "malformed codec decode true true") throw new Error(`${said}: ${error.message}`);
  return error;
}

/** The value with lists in place of vectors that are read where they are asked. */
function listed(value: unknown): unknown {
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return value;
  if (Symbol.iterator in value) return Array.from(value as Iterable<unknown>, listed);
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, listed(field)]));
}

/** Only padding, at the end of a plaintext, may be longer or shorter. */
const padded = (name: string) => name.startsWith("PrivateMessageContent");

/** Encodes with one random place of the kind written wrongly; undefined where the value has no such place. */
function sabotaged(codec: Codec<unknown>, value: unknown, dice: Dice, mark: Mark, how: Sabotage["how"]) {
  const count = encodeReference(codec, value).counts[mark];
  if (count === 0) return undefined;
  const index = dice.nat(count - 1);
  return encodeReference(codec, value, { mark, index, how });
}

test("every struct that is declared is here", () => {
  const folder = fileURLToPath(new URL("../../../lib/mls/objects/", import.meta.url));
  const declared = readdirSync(folder).flatMap((file) => {
    const text = readFileSync(join(folder, file), "utf8");
    return Array.from(text.matchAll(/\bstruct\(\s*"(\w+)"/g), ([, name]) => name!);
  });
  const tested = new Set(everyStruct.map(([, codec]) => codec.name));
  expect(declared.length).toBeGreaterThan(50);
  expect(declared.filter((name) => !tested.has(name))).toEqual([]);
});

describe.each(everyStruct)("%s", (name, codec) => {
  test("round-trips, as a second encoder writes it", () => {
    forValues(codec, (value) => {
      const bytes = encode(codec, value);
      expect(bytes.equals(encodeReference(codec, value).bytes)).toBe(true);
      expect(isDeepStrictEqual(listed(decode(codec, bytes)), value)).toBe(true);
      expect(JSON.parse(JSON.stringify(toJSON(codec, value)))).toEqual(toJSON(codec, decode(codec, bytes)));
    });
  });

  test("refuses truncation at each octet, and octets after the end", () => {
    forValues(
      codec,
      (value, dice) => {
        const bytes = encode(codec, value);
        const step = Math.max(1, Math.floor(bytes.length / 200));
        const shortest = padded(name) ? bytes.length - (value as { padding: number }).padding : bytes.length;
        for (let length = dice.nat(step - 1); length < shortest; length += step) {
          expectMalformed(codec, bytes.subarray(0, length));
        }
        expectMalformed(codec, Buffer.concat([bytes, Buffer.of(1)]));
        if (!padded(name)) expectMalformed(codec, Buffer.concat([bytes, Buffer.of(0)]));
      },
      6,
    );
  });

  test.each(["one size too wide", "two sizes too wide", "prefix 3", "a gigabyte"] as const)(
    "refuses a length: %s",
    (how) => {
      forValues(codec, (value, dice) => {
        const wrong = sabotaged(codec, value, dice, "length", how);
        // A length that is as wide as can be cannot be wider.
        if (wrong === undefined || wrong.bytes.equals(encode(codec, value))) return;
        expect(expectMalformed(codec, wrong.bytes).offset).toBe(wrong.offset);
      });
    },
  );

  test("refuses a vector that reaches past what is around it, by one octet", () => {
    forValues(codec, (value, dice) => {
      const right = encodeReference(codec, value);
      if (right.vectors.length === 0) return;
      const vector = dice.pick(...right.vectors);
      const wrong = withLength(right, vector, endAround(right, vector) - vector.start + 1);
      if (wrong !== undefined) expect(expectMalformed(codec, wrong).offset).toBe(vector.header);
    });
  });

  test("refuses a vector that ends within its last element", () => {
    forValues(codec, (value, dice) => {
      const right = encodeReference(codec, value);
      const vectors = right.vectors.filter(({ last }) => last > 1);
      if (vectors.length === 0) return;
      const vector = dice.pick(...vectors);
      const wrong = withLength(right, vector, vector.end - vector.start - 1);
      if (wrong !== undefined) expect(expectMalformed(codec, wrong).offset).toBeLessThan(vector.end);
    });
  });

  test("refuses the reserved value 0 of what chooses the fields", () => {
    forValues(codec, (value, dice) => {
      const wrong = sabotaged(codec, value, dice, "tag", 0);
      if (wrong !== undefined) expect(expectMalformed(codec, wrong.bytes).offset).toBe(wrong.offset);
    });
  });

  test("refuses a presence octet other than 0 and 1", () => {
    forValues(codec, (value, dice) => {
      const wrong = sabotaged(codec, value, dice, "presence", 2 + dice.nat(253));
      if (wrong !== undefined) expect(expectMalformed(codec, wrong.bytes).offset).toBe(wrong.offset);
    });
  });

  test("refuses values that a closed enum does not have", () => {
    forValues(codec, (value, dice) => {
      const wrong = sabotaged(codec, value, dice, "enum", dice.pick(0, 0x0a, 0xff));
      if (wrong === undefined) return;
      const error = expectMalformed(codec, wrong.bytes);
      expect(error.offset).toBe(wrong.offset);
      expect(error.message).toMatch(/is not a /);
    });
  });

  test("what it accepts it writes back the same, whatever was changed", () => {
    forValues(codec, (value, dice) => {
      const bytes = encode(codec, value);
      if (bytes.length === 0) return;
      const at = dice.nat(bytes.length - 1);
      bytes[at]! ^= 1 + dice.nat(254);
      expectCanonicalOrMalformed(codec, bytes);
    });
  });

  test("random octets are malformed or whole", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => expectCanonicalOrMalformed(codec, bytes)),
      {
        endOnFailure: true,
      },
    );
  });
});

function expectCanonicalOrMalformed(codec: Codec<unknown>, bytes: Uint8Array): void {
  let value: unknown;
  try {
    value = decode(codec, bytes);
  } catch (error) {
    expect(error).toBeInstanceOf(TinyMlsError);
    expect((error as TinyMlsError).code).toBe("malformed");
    return;
  }
  expect(encode(codec, value).equals(bytes)).toBe(true);
}
