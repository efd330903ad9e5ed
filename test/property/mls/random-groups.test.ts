// Random groups over a bad network. Failures print the seed and the shortest list of operations that fails.
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { CipherSuite } from "tinymls";
import { heldHandles } from "../../held-handles.js";
import { World, type Operation, type WorldOptions } from "./world.js";

/** `TINYMLS_PROPERTY_MINUTES=30 npm run jest -- random-groups` looks for so long. */
const minutes = Number(process.env.TINYMLS_PROPERTY_MINUTES ?? 0);

const weights: Record<Operation["kind"], number> = {
  send: 14,
  receive: 16,
  receiveMany: 16,
  receiveDamaged: 4,
  propose: 8,
  leave: 1,
  commit: 12,
  publish: 6,
  rebase: 3,
  discard: 2,
  stray: 1,
  join: 8,
  joinExternal: 2,
  catchUp: 8,
  crash: 4,
  lose: 1,
};

const operation: fc.Arbitrary<Operation> = fc.record({
  kind: fc.oneof(
    ...Object.entries(weights).map(([kind, weight]) => ({
      weight,
      arbitrary: fc.constant(kind as Operation["kind"]),
    })),
  ),
  seed: fc.nat(),
});

const network = fc.record({ lost: fc.nat(30), repeated: fc.nat(30), mixedUp: fc.nat(50) });

async function live(options: WorldOptions, operations: readonly Operation[]): Promise<void> {
  const handles = heldHandles();
  const world = await World.start(options);
  try {
    for (const each of operations) await world.run(each);
    await world.finish();
    largest = Math.max(largest, world.largest);
    for (const [kind, count] of world.done) ran.set(kind, (ran.get(kind) ?? 0) + count);
    for (const { outcomes } of world.members) {
      for (const [name, count] of outcomes) seen.set(name, (seen.get(name) ?? 0) + count);
    }
  } finally {
    await world.close();
  }
  expect(heldHandles()).toBe(handles);
}

const ran = new Map<string, number>();
const seen = new Map<string, number>();
let largest = 0;

/** What happened has to be told, or no one would notice when nothing does. */
function expectEverythingHappened(): void {
  expect([...ran.keys()].sort()).toEqual(Object.keys(weights).sort());
  for (const kind of ["application", "proposal", "commit", "ownEcho", "duplicate", "stale", "future"]) {
    expect(seen.get(kind) ?? 0).toBeGreaterThan(0);
  }
  if (process.env.TINYMLS_PROPERTY_REPORT !== undefined) console.log(ran, seen, largest);
}

describe("random groups end in agreement", () => {
  const suites = fc.constantFrom(...Object.values(CipherSuite).filter((suite) => [1, 2, 3].includes(suite)));

  test(
    "small ones, in many runs",
    async () => {
      const options = fc.record({
        people: fc.integer({ min: 3, max: 9 }),
        founders: fc.integer({ min: 1, max: 3 }),
        cipherSuite: suites,
        handshake: fc.constantFrom("private" as const, "public" as const),
      });
      await fc.assert(
        fc.asyncProperty(
          options,
          network,
          fc.array(operation, { maxLength: 120, size: "max" }),
          (group, faults, operations) => live({ ...group, ...faults }, operations),
        ),
        minutes > 0
          ? { numRuns: 1_000_000, interruptAfterTimeLimit: minutes * 30_000 }
          : { numRuns: 40, interruptAfterTimeLimit: 40_000, markInterruptAsFailure: false },
      );
      expectEverythingHappened();
    },
    120_000 + minutes * 60_000,
  );

  test.each([
    ["thousands of operations", { people: 24, founders: 12 }, 3_000],
    ["up to 200 members", { people: 200, founders: 180 }, 300],
  ] as const)(
    "%s",
    async (_, people, operations) => {
      const length = minutes > 0 ? 20_000 : operations;
      await fc.assert(
        fc.asyncProperty(
          fc.constantFrom("private" as const, "public" as const),
          network,
          fc.array(operation, { minLength: length, maxLength: length, size: "max" }),
          (handshake, faults, all) => live({ ...people, cipherSuite: 1, handshake, ...faults }, all),
        ),
        { numRuns: 1, endOnFailure: true },
      );
      expectEverythingHappened();
    },
    300_000 + minutes * 60_000,
  );
});
