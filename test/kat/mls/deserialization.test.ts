import { expect } from "@jest/globals";
import { lengthHeader } from "#dist/codec/index.js";
import { defaultLimits } from "#dist/codec/limits.js";
import { Reader } from "#dist/codec/reader.js";
import { testEntries } from "../vectors.js";

interface Entry {
  readonly vlbytes_header: string;
  readonly length: number;
}

// Only the header is there: the end is set as if the content followed, which is up to a gigabyte.
testEntries<Entry>("mls/deserialization.json", ({ vlbytes_header, length }) => {
  const header = Buffer.from(vlbytes_header, "hex");
  const reader = new Reader(header, defaultLimits);
  reader.end = header.byteLength + length;
  expect(reader.length()).toBe(length);
  expect(reader.offset).toBe(header.byteLength);
  expect(lengthHeader(length).toString("hex")).toBe(vlbytes_header);
});
