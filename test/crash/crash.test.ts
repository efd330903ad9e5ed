import { expect, test } from "@jest/globals";
import { join } from "node:path";
import { sqlitePlace } from "../durable/stores.js";
import { Crashes, operations } from "./crashes.js";
import { KilledProcess } from "./killed-process.js";
import { Power } from "./power.js";

test("a process killed in the middle of each operation loses, repeats and wedges nothing", async () => {
  const place = sqlitePlace();
  const address = JSON.stringify(join(place.folder, "state.db"));
  const report = await Crashes.run(new KilledProcess({ adapter: "sqlite", address }, Math.random), operations.length);
  expect(Object.values(report).map(({ count }) => count)).toEqual(operations.map(() => 1));
  expect(report.send.unanswered).toBe(1);
  place.remove();
}, 120_000);

const reason = Power.missing;
if (reason === undefined) {
  test.each([
    ["opens at most anew what it received just before", "NORMAL", true],
    ["knows what it received", "FULL", false],
  ] as const)(
    "a machine that loses its power in the middle of each operation loses, repeats and wedges nothing, and %s: synchronous %s",
    async (_, synchronous, forgetsReceived) => {
      const place = sqlitePlace();
      const path = join(place.folder, "state.db");
      const setting = { adapter: "sqlite", address: JSON.stringify({ path, synchronous }), power: new Power(path) };
      const report = await Crashes.run(
        new KilledProcess({ ...setting, forgetsReceived }, Math.random),
        2 * operations.length,
      );
      expect(Object.values(report).map(({ count }) => count)).toEqual(operations.map(() => 2));
      place.remove();
    },
    120_000,
  );
} else {
  test.skip(`a machine that loses its power: ${reason}`, () => undefined);
}
