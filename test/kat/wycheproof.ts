import { describe, expect, test } from "@jest/globals";
import { fetchCommand, readVectors, vectorFiles } from "./vectors.js";

/** One entry of a Wycheproof file. Fields that a kind adds are hex strings. */
export interface WycheproofTest {
  readonly tcId: number;
  readonly comment: string;
  readonly flags: readonly string[];
  readonly result: "valid" | "invalid" | "acceptable";
}

interface WycheproofFile<Group, Test> {
  readonly algorithm: string;
  readonly numberOfTests: number;
  readonly testGroups: readonly (Group & { readonly tests: readonly (Test & WycheproofTest)[] })[];
}

/**
 * One jest test for each entry of each Wycheproof file whose name matches: a new file of the kind is run as it comes. Without vectors
 * there is one test, reported as skipped.
 */
export function testWycheproof<Group, Test>(
  kind: string,
  name: RegExp,
  run: (entry: Test & WycheproofTest, group: Group, algorithm: string) => void | Promise<void>,
): void {
  const files = vectorFiles("wycheproof").filter((file) => name.test(file));
  if (files.length === 0) {
    test.skip(`wycheproof ${kind}: not found, fetch it with ${fetchCommand}`, () => undefined);
    return;
  }
  for (const file of files) {
    const path = `wycheproof/${file}`;
    const { algorithm, numberOfTests, testGroups } = readVectors<WycheproofFile<Group, Test>>(path);
    describe(path, () => {
      test(`${path} has all of its ${numberOfTests} entries`, () => {
        expect(testGroups.reduce((count, { tests }) => count + tests.length, 0)).toBe(numberOfTests);
        expect(numberOfTests).toBeGreaterThan(0);
      });
      for (const group of testGroups)
        for (const entry of group.tests)
          test(`${path} ${entry.tcId} ${entry.comment}`, async () => run(entry, group, algorithm));
    });
  }
}

export const hex = (text: string): Buffer => Buffer.from(text, "hex");
