import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "@jest/globals";

export const fetchCommand = "npm run fetch:vectors";

/** The folder of the vectors: `$TINYMLS_VECTORS`, `../shared/vectors` beside the repository, or `test/vectors`. */
export function vectorFolder(): string | undefined {
  const given = process.env["TINYMLS_VECTORS"];
  const candidates = given ? [given] : ["../shared/vectors", "test/vectors"].map((path) => join(process.cwd(), path));
  return candidates.find((path) => existsSync(path));
}

/** One vector file, parsed. `file` is relative to the folder of the vectors: `mls/messages.json`. */
export function readVectors<T>(file: string): T {
  const folder = vectorFolder();
  if (folder === undefined) throw new Error(`no vectors: ${fetchCommand}`);
  return JSON.parse(readFileSync(join(folder, file), "utf8")) as T;
}

/** The files of `subfolder`, sorted; none where there are no vectors. */
export function vectorFiles(subfolder: string): string[] {
  const folder = vectorFolder();
  if (folder === undefined || !existsSync(join(folder, subfolder))) return [];
  return readdirSync(join(folder, subfolder)).sort();
}

/**
 * One test for each entry of a file that is a list. Without vectors there is one test, reported as skipped, that names the file
 * and the command that fetches it.
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
    entries.forEach((entry, index) => test(`${file} ${index}`, async () => run(entry, index)));
  });
}
