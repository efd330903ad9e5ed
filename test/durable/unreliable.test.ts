import { expect, test } from "@jest/globals";
import { Dice } from "../codec/dice.js";
import { Crashes, operations } from "../crash/crashes.js";
import { memoryPlace, sqlitePlace } from "./stores.js";
import { UnreliableAlice } from "./unreliable-alice.js";

const rounds = 4;

test.each([
  ["memory", memoryPlace, 1],
  ["memory", memoryPlace, 2],
  ["SQLite", sqlitePlace, 3],
  ["SQLite", sqlitePlace, 4],
] as const)(
  "a storage that is late, fails and leaves writes unanswered loses, repeats and wedges nothing: %s, seed %#",
  async (_, placeOf, seed) => {
    const dice = new Dice(seed);
    const random = () => dice.nat(2 ** 30) / 2 ** 30;
    const place = placeOf();
    const report = await Crashes.run(
      new UnreliableAlice(await place.open(), random),
      rounds * operations.length,
      random,
    );
    expect(Object.values(report).map(({ count }) => count)).toEqual(operations.map(() => rounds));
    const disturbed = Object.values(report).filter(({ unanswered, inWrite }) => unanswered + inWrite > 0);
    expect(disturbed.length).toBeGreaterThan(operations.length / 2);
    place.remove();
  },
  60_000,
);
