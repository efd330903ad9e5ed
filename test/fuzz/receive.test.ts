import { afterAll, expect, test } from "@jest/globals";
import { fuzz } from "./engine.js";
import { endReceiving, receiveTarget } from "./receive-target.js";

afterAll(endReceiving);

test("a short run from a fixed seed: no message throws, and none that is refused changes anything", async () => {
  const report = await fuzz(receiveTarget, { seed: 9420, executions: 600, maxLength: 256 });
  if (report.finding) {
    const hex = Buffer.from(report.finding.input).toString("hex");
    throw new Error(`npm run fuzz:js -- --target receive --replay ${hex}`, { cause: report.finding.error });
  }
  expect(report.features).toBeGreaterThan(15);
}, 60_000);
