import { expect, test } from "@jest/globals";
import { join } from "node:path";
import { sqlitePlace } from "../durable/stores.js";
import { Crashes, operations } from "./crashes.js";
import { KilledProcess } from "./killed-process.js";

test("a process killed in the middle of each operation loses, repeats and wedges nothing", async () => {
  const place = sqlitePlace();
  const report = await Crashes.run(
    new KilledProcess("sqlite", join(place.folder, "state.db"), Math.random),
    operations.length,
  );
  expect(Object.values(report).map(({ count }) => count)).toEqual(operations.map(() => 1));
  expect(report.send.unanswered).toBe(1);
  place.remove();
}, 120_000);
