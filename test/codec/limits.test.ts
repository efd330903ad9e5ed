import { expect, test } from "@jest/globals";
import { decode, encode, lengthHeader, opaque, uint16, uint32, vector } from "#dist/codec/index.js";
import { Credential, CredentialType, MLSMessage, RatchetTree } from "tinymls/messages";
import * as messages from "tinymls/messages";

const empties = (count: number) => Buffer.concat([lengthHeader(count), Buffer.alloc(count)]);
const chain = (count: number) => Buffer.concat([Buffer.of(0, CredentialType.x509), empties(count)]);

test("an input longer than maxSize is refused before it is read", () => {
  const bytes = encode(opaque, new Uint8Array(100));
  expect(() => decode(opaque, bytes, { maxSize: 101 })).toThrow(/limit of 101/);
  expect(decode(opaque, bytes, { maxSize: 102 })).toHaveLength(100);
});

test("all vectors of an input share one limit on elements", () => {
  const nested = vector(vector(opaque));
  const value = [[new Uint8Array(1), new Uint8Array(2)], [new Uint8Array(3)]];
  const bytes = encode(nested, value);
  expect(decode(nested, bytes, { maxElements: 5 })).toEqual(value);
  expect(() => decode(nested, bytes, { maxElements: 4 })).toThrow(
    expect.objectContaining({ path: "opaque<V><V>[1][0]" }),
  );
});

test("numbers are not counted: the size bounds them", () => {
  const numbers = vector(uint16);
  expect(decode(numbers, encode(numbers, [1, 2, 3]), { maxElements: 0 })).toEqual([1, 2, 3]);
});

test.each([{ maxSize: -1 }, { maxSize: 1.5 }, { maxElements: NaN }, { maxElements: "9" as never }])(
  "limits %p are refused as usage",
  (limits) => {
    expect(() => decode(uint16, Buffer.alloc(2), limits)).toThrow(expect.objectContaining({ code: "usage" }));
  },
);

test("a few octets that claim a gigabyte take no memory", () => {
  const before = process.memoryUsage();
  for (let index = 0; index < 1000; index++) {
    expect(() => decode(opaque, Buffer.from("bfffffff00", "hex"))).toThrow(/length 1073741823/);
    expect(() => decode(RatchetTree, Buffer.from("bfffffff00", "hex"))).toThrow(/length 1073741823/);
  }
  const after = process.memoryUsage();
  expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(2 ** 20);
});

test("the smallest elements there are, a million of them, stay within the limits' memory", () => {
  const most = messages.defaultLimits.maxElements;
  const before = process.memoryUsage().heapUsed;
  const value = decode(Credential, chain(most));
  expect(value).toMatchObject({ credentialType: CredentialType.x509 });
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(300 * most);
  expect(() => decode(Credential, chain(most + 1))).toThrow(
    expect.objectContaining({ code: "malformed", path: `Credential.certificates[${most}]` }),
  );
});

test("the public decode hands out views on a copy: changing the input changes nothing", () => {
  const bytes = encode(opaque, Uint8Array.of(1, 2, 3));
  const value = messages.decode(opaque, bytes);
  bytes.fill(9);
  expect([...value]).toEqual([1, 2, 3]);
});

test("the inner decode hands out views on the input, for secrets that must not be copied", () => {
  const bytes = encode(opaque, Uint8Array.of(1, 2, 3));
  const value = decode(opaque, bytes);
  bytes.fill(9);
  expect([...value]).toEqual([9, 9, 9]);
});

test("what is not octets is refused as usage", () => {
  for (const input of ["00", [0], null, undefined, new ArrayBuffer(2), new Uint16Array(1)]) {
    expect(() => messages.decode(MLSMessage, input as never)).toThrow(expect.objectContaining({ code: "usage" }));
    expect(() => decode(uint32, input as never)).toThrow(expect.objectContaining({ code: "usage" }));
  }
});
