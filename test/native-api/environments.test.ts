// Many environments in one process: loaded and unloaded in any order, ended in any way.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "@jest/globals";

const script = fileURLToPath(new URL("./environments.js", import.meta.url));

function run(task: string): unknown {
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [script, task], { encoding: "utf8" });
  expect({ task, status, signal, stderr }).toMatchObject({ status: 0, signal: null });
  return JSON.parse(stdout);
}

test.each([
  ["twenty", { workers: 20, live: true }],
  ["again", [0, 0, 0]],
  ["foreign", { answers: [-2, -2], own: true }],
  ["exitNow", "exits"],
  ["terminatedInCall", 12],
  ["terminatedPending", 12],
  ["exit", { codes: [3, 3, 3, 3], errors: 0 }],
  ["throw", { codes: [1, 1, 1, 1], errors: 4 }],
])(
  "%s",
  (task, seen) => {
    expect(run(task)).toEqual(seen);
  },
  60_000,
);
