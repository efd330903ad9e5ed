import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { fetchCommand, readVectors, vectorFiles } from "../vectors.js";

const files = vectorFiles("mls");
const tests = join(process.cwd(), "test/kat/mls");
const fewer: Readonly<Record<string, readonly (number | undefined)[]>> = {
  "deserialization.json": [undefined],
  "messages.json": [undefined],
  "tree-math.json": [undefined],
  "tree-operations.json": [1],
  "passive-client-random.json": [1],
};

if (files.length === 0) test.skip(`mls: not found, fetch it with ${fetchCommand}`, () => undefined);
else {
  test("every file of the MLS vectors has a test", () => {
    const sources = readdirSync(tests).map((name) => readFileSync(join(tests, name), "utf8"));
    const untested = files.filter((file) => !sources.some((source) => source.includes(`"mls/${file}"`)));
    expect(untested).toEqual([]);
  });

  test("every suite is in every file that is about suites, but for two that are about one", () => {
    const suites = files.map((file) => {
      const found = readVectors<{ cipher_suite?: number }[]>(`mls/${file}`).map((entry) => entry.cipher_suite);
      return [file, [...new Set(found)].sort()];
    });
    expect(suites).toEqual(files.map((file) => [file, fewer[file] ?? [1, 2, 3, 4, 5, 6, 7]]));
  });
}
