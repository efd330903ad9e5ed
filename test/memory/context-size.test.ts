import { expect, test } from "@jest/globals";
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";

function measure(what: "idle" | "operations"): number {
  const script = fileURLToPath(new URL("./context-size.js", import.meta.url));
  return JSON.parse(execFileSync(process.execPath, ["--expose-gc", script, what], { encoding: "utf8" })) as number;
}

test("each of 100,000 idle Contexts takes at most 4 KiB, native memory and JavaScript together", () => {
  expect(measure("idle")).toBeLessThanOrEqual(4096);
}, 60_000);

test("ten million operations leave the resident memory where it was", () => {
  expect(measure("operations")).toBeLessThan(8 << 20);
}, 120_000);
