import { expect, test } from "@jest/globals";
import { readCorpus } from "./corpus.js";
import { decodeTarget } from "./decode-target.js";
import { fuzz } from "./engine.js";

test("the kept inputs are handled, and reach what they were kept for", async () => {
  const corpus = readCorpus("decode");
  const reached = new Set<string>();
  for (const input of corpus) for (const feature of await decodeTarget.run(input)) reached.add(feature);
  expect(corpus.length).toBeGreaterThan(200);
  expect(reached.size).toBeGreaterThan(1000);
});

test("a short run from a fixed seed finds nothing", async () => {
  const report = await fuzz(decodeTarget, { seed: 20231, executions: 1500, maxLength: 1024 });
  if (report.finding) {
    const hex = Buffer.from(report.finding.input).toString("hex");
    throw new Error(`npm run fuzz:js -- --target decode --replay ${hex}`, { cause: report.finding.error });
  }
  expect(report.executions).toBeGreaterThanOrEqual(1500);
});
