import { expect, test } from "@jest/globals";
import { join } from "node:path";
import { sqlitePlace } from "../durable/stores.js";
import { Crashes } from "./crashes.js";

test("a process killed in the middle of each operation loses, repeats and wedges nothing", async () => {
  const place = sqlitePlace();
  const report = await Crashes.run("sqlite", join(place.folder, "state.db"), 13);
  expect(Object.values(report).map(({ kills }) => kills)).toEqual(Array.from({ length: 13 }, () => 1));
  expect(report.send.unanswered).toBe(1);
  place.remove();
}, 120_000);
