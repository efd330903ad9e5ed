import { isDeepStrictEqual } from "node:util";
import { describe, expect, test } from "@jest/globals";
import {
  decode,
  dependent,
  encode,
  encoded,
  encodeOnce,
  enumeration,
  fixed,
  isEncoding,
  lengthHeader,
  maxVectorLength,
  opaque,
  openEnumeration,
  optional,
  presentWhen,
  remembered,
  secretOpaque,
  select,
  struct,
  toJSON,
  uint16,
  uint32,
  uint64,
  uint8,
  unassignedType,
  vector,
  zeroPadding,
} from "#dist/codec/index.js";

const hex = (text: string) => Buffer.from(text.replaceAll(" ", ""), "hex");
const malformed = (offset: number, path: string) => expect.objectContaining({ code: "malformed", offset, path });
const usage = (path: string) => expect.objectContaining({ code: "usage", path });

describe("lengths", () => {
  test.each([
    [0, "00"],
    [0x3f, "3f"],
    [0x40, "4040"],
    [0x3fff, "7fff"],
    [0x4000, "80004000"],
    [0x3fffffff, "bfffffff"],
  ])("%d is %s", (length, header) => {
    expect(lengthHeader(length).toString("hex")).toBe(header);
    if (length > 0x4000) return;
    const bytes = Buffer.concat([hex(header), Buffer.alloc(length, 7)]);
    expect(encode(opaque, Buffer.alloc(length, 7)).equals(bytes)).toBe(true);
    expect(decode(opaque, bytes)).toHaveLength(length);
    const items = Array.from({ length }, () => 7);
    expect(encode(vector(uint8), items).equals(bytes)).toBe(true);
    expect(isDeepStrictEqual(decode(vector(uint8), bytes), items)).toBe(true);
  });

  test.each([
    ["4000", "not in its shortest form"],
    ["403f", "not in its shortest form"],
    ["80000000", "not in its shortest form"],
    ["8000003f", "not in its shortest form"],
    ["80003fff", "not in its shortest form"],
    ["c0", "prefix 3"],
    ["ffffffffffffffff", "prefix 3"],
    ["01", "length 1 where 0 octets are left"],
    ["40", "1 octets wanted where 0 are left"],
    ["800040", "3 octets wanted where 2 are left"],
  ])("%s is refused: %s", (header, message) => {
    expect(() => decode(opaque, hex(header))).toThrow(message);
    expect(isEncoding(opaque, hex(header))).toBe(false);
  });

  test.each([-1, 0.5, maxVectorLength + 1, NaN])("no header has a length of %d", (length) => {
    expect(() => lengthHeader(length)).toThrow(expect.objectContaining({ code: "usage" }));
  });

  test("a vector ends where its elements end", () => {
    expect(() => decode(vector(uint16), hex("03 0001 00"))).toThrow(malformed(3, "uint16<V>[1]"));
    expect(() => decode(vector(opaque), hex("03 00 02 01 01"))).toThrow(malformed(2, "opaque<V>[1]"));
  });

  test("a struct that may be empty cannot be the element of a vector", () => {
    expect(() => vector(struct("Nothing", {}))).toThrow(TypeError);
    expect(() => vector(zeroPadding)).toThrow(TypeError);
  });

  test("vectors longer than the writer's first buffer, nested, come out whole", () => {
    const value = Array.from({ length: 300 }, (_, index) => [
      new Uint8Array(index * 13).fill(index),
      new Uint8Array(1),
    ]);
    const codec = vector(vector(opaque));
    expect(isDeepStrictEqual(decode(codec, encode(codec, value)), value)).toBe(true);
    expect(encode(uint8, 5).toString("hex")).toBe("05");
  });
});

describe("integers", () => {
  test.each([
    [uint8, 1, 0xa1, "a1"],
    [uint16, 2, 0xa1a2, "a1a2"],
    [uint32, 4, 0xa1a2a3a4, "a1a2a3a4"],
    [uint64, 8, 0xa1a2a3a4a5a6a7a8n, "a1a2a3a4a5a6a7a8"],
  ])("%p where the writer's first buffer ends", (codec, size, value, text) => {
    const firstBuffer = 16 * 1024;
    for (let head = firstBuffer - size; head <= firstBuffer; ++head) {
      encode(opaque, new Uint8Array(300_000)); // more than the writer keeps: it begins small again
      const bytes = encode(struct("S", { head: fixed(head), value: codec as typeof uint64 }), {
        head: new Uint8Array(head),
        value: value as bigint,
      });
      expect(bytes.subarray(head).toString("hex")).toBe(text);
    }
  });

  test.each([
    [uint8, 0xff, "ff"],
    [uint16, 0xfffe, "fffe"],
    [uint32, 0xfffffffe, "fffffffe"],
  ])("%p at its greatest", (codec, value, text) => {
    expect(encode(codec, value).toString("hex")).toBe(text);
    expect(decode(codec, hex(text))).toBe(value);
    for (const wrong of [-1, value + 2, 0.5, NaN, "1", 1n, undefined]) {
      expect(() => encode(codec, wrong as never)).toThrow(usage(codec.name));
    }
  });

  test("uint64 is a bigint, shown as text", () => {
    expect(encode(uint64, 2n ** 64n - 2n).toString("hex")).toBe("fffffffffffffffe");
    expect(decode(uint64, hex("8000000000000000"))).toBe(2n ** 63n);
    expect(toJSON(uint64, 2n ** 63n)).toBe("9223372036854775808");
    for (const wrong of [-1n, 2n ** 64n, 1, "1"]) expect(() => encode(uint64, wrong as never)).toThrow(usage("uint64"));
  });
});

describe("octets", () => {
  test("a fixed number of them", () => {
    expect(decode(fixed(3), hex("010203"))).toEqual(Uint8Array.of(1, 2, 3));
    expect(() => decode(fixed(3), hex("0102"))).toThrow(malformed(0, "opaque[3]"));
    expect(() => encode(fixed(3), new Uint8Array(4))).toThrow(usage("opaque[3]"));
  });

  test("only a Uint8Array is written", () => {
    for (const wrong of ["text", [1], new Uint16Array(1), new ArrayBuffer(1), null]) {
      expect(() => encode(opaque, wrong as never)).toThrow(usage("opaque"));
    }
  });

  test("secret ones are not shown", () => {
    expect(toJSON(secretOpaque, Uint8Array.of(0xab, 0xcd))).toBe("[secret, 2 octets]");
  });

  test("padding is zeros up to the end", () => {
    const padded = struct("Padded", { value: uint8, padding: zeroPadding });
    expect(decode(padded, hex("01 000000"))).toEqual({ value: 1, padding: 3 });
    expect(encode(padded, { value: 1, padding: 3 }).toString("hex")).toBe("01000000");
    expect(() => decode(padded, hex("01 000100"))).toThrow(malformed(2, "Padded.padding"));
    expect(() => encode(padded, { value: 1, padding: -1 })).toThrow(usage("Padded.padding"));
  });
});

test("optional: null or a value, after an octet of 0 or 1", () => {
  expect(decode(optional(uint8), hex("00"))).toBeNull();
  expect(decode(optional(uint8), hex("0105"))).toBe(5);
  expect(encode(optional(uint8), null).toString("hex")).toBe("00");
  expect(() => decode(optional(uint8), hex("0205"))).toThrow(malformed(0, "optional<uint8>"));
  expect(() => encode(optional(uint8), undefined as never)).toThrow(usage("optional<uint8>"));
});

const Kind = { small: 1, large: 2 } as const;
const kind = enumeration("Kind", uint8, Kind);
const openKind = openEnumeration("Kind", uint16, Kind);
const Item = struct(
  "Item",
  { id: uint8 },
  select("kind", kind, { small: { size: uint8 }, large: { size: uint32, tag: opaque } }),
);

describe("enums and variants", () => {
  test("closed and open", () => {
    expect(decode(kind, hex("02"))).toBe(2);
    expect(() => decode(kind, hex("03"))).toThrow(malformed(0, "Kind"));
    expect(() => encode(kind, 3 as never)).toThrow(usage("Kind"));
    expect(decode(openKind, hex("0a0a"))).toBe(0x0a0a);
    expect(toJSON(openKind, 0x0a0a)).toBe(0x0a0a);
    expect(toJSON(openKind, 2)).toBe("large");
    expect(() => encode(openKind, 0x10000)).toThrow(usage("Kind"));
  });

  test("the enum chooses the fields", () => {
    const value = { id: 9, kind: Kind.large, size: 7, tag: Uint8Array.of(1) };
    expect(encode(Item, value).toString("hex")).toBe("0902000000070101");
    expect(decode(Item, hex("0902000000070101"))).toEqual(value);
    expect(toJSON(Item, value)).toEqual({ id: 9, kind: "large", size: 7, tag: "01" });
  });

  test("unknown variants are kept where declared so, but never 0", () => {
    const Open = struct("Open", select("kind", openKind, { small: { size: uint8 }, large: {} }, { data: opaque }));
    expect(decode(Open, hex("f001 0107"))).toEqual({ kind: 0xf001, data: Uint8Array.of(7) });
    expect(encode(Open, { kind: unassignedType(0xf001), data: Uint8Array.of(7) }).toString("hex")).toBe("f0010107");
    expect(() => decode(Open, hex("0000 0107"))).toThrow(malformed(0, "Open.kind"));
    expect(() => encode(Open, { kind: unassignedType(0), data: new Uint8Array(0) })).toThrow(usage("Open.kind"));
    expect(() => toJSON(Open, { kind: unassignedType(0), data: new Uint8Array(0) })).toThrow(usage("Open.kind"));
  });
});

describe("fields that depend on others", () => {
  const flagged = (value: { flag: number }) => value.flag === 1;
  const Conditional = struct("Conditional", { flag: uint8, more: presentWhen(flagged, uint16) });
  const either = dependent<number, { flag: number }>([uint8, uint16], ({ flag }) => (flag === 1 ? uint16 : uint8));
  const Dependent = struct("Dependent", { flag: uint8, value: either });

  test("one that may be absent", () => {
    expect(decode(Conditional, hex("01 0005"))).toEqual({ flag: 1, more: 5 });
    expect(decode(Conditional, hex("00"))).toEqual({ flag: 0 });
    expect(encode(Conditional, { flag: 1, more: 5 }).toString("hex")).toBe("010005");
    expect(() => encode(Conditional, { flag: 1 })).toThrow(usage("Conditional.more"));
    expect(() => encode(Conditional, { flag: 0, more: 5 })).toThrow(usage("Conditional.more"));
    expect(() => decode(Conditional, hex("00 0005"))).toThrow(malformed(1, "Conditional"));
  });

  test("one of either type", () => {
    expect(decode(Dependent, hex("01 0005"))).toEqual({ flag: 1, value: 5 });
    expect(decode(Dependent, hex("00 05"))).toEqual({ flag: 0, value: 5 });
    expect(encode(Dependent, { flag: 1, value: 5 }).toString("hex")).toBe("010005");
    expect(toJSON(Dependent, { flag: 1, value: 5 })).toEqual({ flag: 1, value: 5 });
  });
});

describe("values with their encoding", () => {
  const Holder = struct("Holder", { first: uint8, item: encoded(Item), last: uint8 });

  test("reading keeps the octets, writing writes them", () => {
    const bytes = hex("01 0901ff 02");
    const value = decode(Holder, bytes);
    expect(Buffer.from(value.item.bytes).toString("hex")).toBe("0901ff");
    expect(value.item.bytes.buffer).toBe(bytes.buffer);
    expect(encode(Holder, value).equals(bytes)).toBe(true);
    const made = { first: 1, item: encodeOnce(Item, { id: 9, kind: Kind.small, size: 0xff }), last: 2 };
    expect(encode(Holder, made).equals(bytes)).toBe(true);
    expect(toJSON(Holder, value)).toEqual({ first: 1, item: { id: 9, kind: "small", size: 255 }, last: 2 });
  });

  test("a value without its encoding is refused", () => {
    const item = { id: 9, kind: Kind.small, size: 1 };
    expect(() => encode(Holder, { first: 1, item: item as never, last: 2 })).toThrow(usage("Holder.item"));
  });
});

describe("values that remember their octets", () => {
  const Kept = remembered(struct("Kept", { id: uint8, data: opaque }));
  const Holder = struct("Holder", { kept: vector(Kept) });

  test("what was read is written as it was, in whatever it is put", () => {
    const bytes = hex("06 01 01aa 02 01bb");
    const value = decode(Holder, bytes);
    expect(encode(Holder, value).equals(bytes)).toBe(true);
    expect(encode(Kept, value.kept[1]!).toString("hex")).toBe("0201bb");
    expect(toJSON(Kept, value.kept[0]!)).toEqual({ id: 1, data: "aa" });
  });

  test("what is made of parts of it is not", () => {
    const read = decode(Kept, hex("01 01aa"));
    expect(encode(Kept, { ...read, id: 2 }).toString("hex")).toBe("0201aa");
    expect(encode(Kept, structuredClone(read)).toString("hex")).toBe("0101aa");
  });

  test("what does not fit is refused, its field named", () => {
    expect(() => encode(Holder, { kept: [{ id: 256, data: hex("") }] })).toThrow(usage("Holder.kept[0].id"));
    expect(() => encode(Kept, null as never)).toThrow(usage("Kept"));
    expect(() => decode(Holder, hex("02 0102"))).toThrow(malformed(2, "Holder.kept[0].data"));
  });
});

describe("errors name the field", () => {
  const Outer = struct("Outer", { name: opaque, items: vector(Item) });

  test("when reading: from the start of the input", () => {
    expect(() => decode(Outer, hex("0161 06 010105 010305"))).toThrow(malformed(7, "Outer.items[1].kind"));
    expect(() => decode(Outer, hex("0161 05 010105 0101"))).toThrow(malformed(8, "Outer.items[1].size"));
    expect(() => decode(Outer, hex("0161 00 00"))).toThrow(malformed(3, "Outer"));
    expect(() => decode(Outer, Buffer.concat([hex("ffff"), hex("0561")]).subarray(2))).toThrow(
      malformed(0, "Outer.name"),
    );
  });

  test("when writing and showing", () => {
    const wrong = { name: new Uint8Array(0), items: [{ id: 1, kind: Kind.small, size: 256 }] };
    expect(() => encode(Outer, wrong)).toThrow(usage("Outer.items[0].size"));
    expect(() => toJSON(Outer, wrong)).toThrow(usage("Outer.items[0].size"));
    expect(() => encode(Outer, { items: [] } as never)).toThrow(usage("Outer.name"));
    expect(() => encode(Outer, null as never)).toThrow(usage("Outer"));
    expect(() => encode(Outer, { name: new Uint8Array(0), items: {} } as never)).toThrow(usage("Outer.items"));
  });

  test("a failed encode leaves nothing in the next one", () => {
    expect(() => encode(Outer, { name: Uint8Array.of(1, 2, 3), items: [null] } as never)).toThrow();
    expect(encode(uint8, 1).toString("hex")).toBe("01");
  });
});

test("a declaration that nests without end is a mistake of the programmer", () => {
  let codec = struct("Level", { value: uint8 }) as never;
  expect(() => {
    for (let level = 0; level < 40; level++) codec = struct("Level", { inner: codec }) as never;
  }).toThrow(/deeper than 32/);
});
