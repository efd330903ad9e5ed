import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "@jest/globals";
import { fetchCommand, readVectors, vectorFolder } from "./vector-files.js";

export * from "./vector-files.js";

/**
 * One test for each entry of a file that is a list, and one that counts them. Without vectors there is one test, reported as skipped,
 * that names the file and the command that fetches it.
 */
export function testEntries<T>(file: string, run: (entry: T, index: number) => void | Promise<void>): void {
  const folder = vectorFolder();
  if (folder === undefined || !existsSync(join(folder, file))) {
    test.skip(`${file}: not found, fetch it with ${fetchCommand}`, () => undefined);
    return;
  }
  const entries = readVectors<T[]>(file);
  describe(file, () => {
    test("has entries", () => {
      if (!Array.isArray(entries) || entries.length === 0) throw new Error(`${file} has no entries`);
    });
    let passed = 0;
    entries.forEach((entry, index) =>
      test(`${file} ${index}`, async () => {
        await run(entry, index);
        passed++;
      }),
    );
    test("has no entry that was left out", () => {
      if (passed !== entries.length) throw new Error(`${passed} of the ${entries.length} entries of ${file} passed`);
    });
  });
}
