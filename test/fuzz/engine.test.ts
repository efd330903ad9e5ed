import { expect, test } from "@jest/globals";
import { BlockCoverage } from "./coverage.js";
import { fuzz, minimize, type Target } from "./engine.js";

/** Each correct octet opens the next block: guessing all five at once would take 2^40 inputs. */
function maze(input: Uint8Array): number {
  if (input[0] !== 0x4d) return 0;
  if (input[1] !== 0x4c) return 1;
  if (input[2] !== 0x53) return 2;
  if (input[3] !== 0x21) return 3;
  if (input[4] !== 0x00) return 4;
  throw new Error("the planted fault");
}

const seeds = () => [new Uint8Array(6).fill(1)];
const silent: Target = { name: "silent", seeds, run: (input) => (maze(input), []) };
const telling: Target = { name: "telling", seeds, run: async (input) => [`depth ${maze(input)}`] };

test("code coverage alone leads to a fault behind five octets", async () => {
  const coverage = new BlockCoverage("/test/fuzz/engine.test");
  const report = await fuzz(silent, { seed: 3, executions: 200_000, coverage, maxLength: 8 });
  coverage.close();
  expect(report.finding?.error).toMatchObject({ message: "the planted fault" });
  expect([...report.finding!.input.subarray(0, 5)]).toEqual([0x4d, 0x4c, 0x53, 0x21, 0]);
});

test("so do the answers of the target; without either it is not found", async () => {
  const options = { seed: 3, executions: 40_000, maxLength: 8 };
  expect((await fuzz(telling, options)).finding?.error).toMatchObject({ message: "the planted fault" });
  expect((await fuzz(silent, options)).finding).toBeUndefined();
});

test("the same seed makes the same run, and the few inputs that are kept reach all of it", async () => {
  const target: Target = { ...telling, run: (input) => [`${input[0]! >> 5}`, `${input.length}`] };
  const [one, two] = [
    await fuzz(target, { seed: 9, executions: 500 }),
    await fuzz(target, { seed: 9, executions: 500 }),
  ];
  expect(one).toEqual(two);
  expect(one.corpus.length).toBeGreaterThan(5);
  const kept = await minimize(target, one.corpus);
  expect(kept.length).toBeLessThanOrEqual(one.corpus.length);
  const features = kept.flatMap((input) => target.run(input) as string[]);
  expect(new Set(features).size).toBe(one.features);
});
