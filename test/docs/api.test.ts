import { expect, test } from "@jest/globals";
import { spawnSync } from "node:child_process";
import { join, resolve } from "node:path";

test("the API reference is generated without a warning: every public class, function and method says what it does", () => {
  const root = resolve(".");
  const typedoc = join(root, "node_modules", "typedoc", "bin", "typedoc");
  const { status, stdout, stderr } = spawnSync(process.execPath, [typedoc, "--emit", "none"], {
    cwd: root,
    encoding: "utf8",
    env: { ...process.env, NODE_OPTIONS: "", NO_COLOR: "1" },
  });
  expect({ status, output: `${stdout}${stderr}`.split("\n").filter((line) => line.includes("[warning]")) }).toEqual({
    status: 0,
    output: [],
  });
}, 180_000);
