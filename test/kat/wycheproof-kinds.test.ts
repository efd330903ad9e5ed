// No file of the folder is passed over in silence.
import { expect, test } from "@jest/globals";
import { fetchCommand, readVectors, vectorFiles } from "./vectors.js";
import { kindsOf, type WycheproofFile } from "./wycheproof.js";

const files = vectorFiles("wycheproof");
if (files.length === 0) test.skip(`wycheproof: not found, fetch it with ${fetchCommand}`, () => undefined);
for (const file of files)
  test(`wycheproof/${file} is of one known kind`, () => {
    expect(kindsOf(readVectors<WycheproofFile<unknown, unknown>>(`wycheproof/${file}`))).toHaveLength(1);
  });
