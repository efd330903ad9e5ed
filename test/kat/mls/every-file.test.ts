import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { fetchCommand, vectorFiles } from "../vectors.js";

const files = vectorFiles("mls");
const tests = join(process.cwd(), "test/kat/mls");

if (files.length === 0) test.skip(`mls: not found, fetch it with ${fetchCommand}`, () => undefined);
else {
  test("every file of the MLS vectors has a test", () => {
    const sources = readdirSync(tests).map((name) => readFileSync(join(tests, name), "utf8"));
    const untested = files.filter((file) => !sources.some((source) => source.includes(`"mls/${file}"`)));
    expect(untested).toEqual([]);
  });
}
