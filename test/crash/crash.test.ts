import { expect, test } from "@jest/globals";
import { join } from "node:path";
import { sqlitePlace } from "../durable/stores.js";
import { Crashes } from "./crashes.js";

test("a process killed in the middle of each operation loses, repeats and wedges nothing", async () => {
  const place = sqlitePlace();
  const report = await Crashes.run("sqlite", join(place.folder, "state.db"), 9);
  expect(Object.values(report).map(({ kills }) => kills)).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 1]);
  expect(report.send.inTime).toBe(1);
  place.remove();
}, 120_000);
