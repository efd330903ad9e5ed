import { expect, test } from "@jest/globals";
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../../../", import.meta.url));

test("every rule has a test, and docs/validation.md lists them as they are", () => {
  const output = execFileSync(process.execPath, ["scripts/validation-table.mjs", "--check"], {
    cwd: root,
    encoding: "utf8",
  });
  expect(output).toMatch(/^\d+ rules, 0 without a test/);
}, 60_000);
