// The programs of examples/ run as they are, and say what they did.
import { expect, test } from "@jest/globals";
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";

const programs: Record<string, { args: string[]; output: string[] }> = {
  "chat.mjs": {
    args: [],
    output: [
      "bob: commit, epoch 2",
      "alice reads from bob: hello, both of you",
      "carol reads from bob: hello, both of you",
    ],
  },
  "threads.mjs": { args: ["3", "2500"], output: ["3 threads sealed, 7500 frames opened"] },
};

test("each program of the folder is run here", () => {
  expect(readdirSync("examples").sort()).toEqual(Object.keys(programs));
});

test.each(Object.entries(programs))("examples/%s", (name, { args, output }) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, ["--no-warnings", join("examples", name), ...args], {
    encoding: "utf8",
    env: { ...process.env, NODE_OPTIONS: "" },
    timeout: 60_000,
  });
  expect({ status, stderr, output: stdout.trim().split("\n") }).toEqual({ status: 0, stderr: "", output });
});
