import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

// The import rules must be seen to refuse, so they run here over a small tree with one fault in each file.
const root = resolve(".");
const files: Record<string, { imports: string[]; fault?: string }> = {
  "lib/errors.ts": { imports: [] },
  "lib/native/secret.ts": { imports: ["../errors.js"] },
  "lib/codec/reader.ts": { imports: ["../errors.js", "../native/secret.js"] },
  "lib/storage/memory.ts": { imports: ["../codec/reader.js"] },
  "lib/context/frame.ts": { imports: ["../codec/reader.js", "../storage/memory.js"] },
  "lib/mls/suite/labels.ts": { imports: ["../../native/secret.js"] },
  "lib/mls/group/commit.ts": { imports: ["../suite/labels.js"] },
  "lib/mls/client.ts": { imports: ["./group/commit.js", "./suite/labels.js"] },
  "lib/discovery/directory.ts": { imports: ["../mls/client.js"] },
  "lib/index.ts": { imports: ["./mls/client.js", "./storage/memory.js", "./errors.js"] },

  "lib/native/upward.ts": { imports: ["../codec/reader.js"], fault: "import-x/no-restricted-paths" },
  "lib/mls/suite/upward.ts": { imports: ["../group/commit.js"], fault: "import-x/no-restricted-paths" },
  "lib/mls/group/upward.ts": { imports: ["../client.js"], fault: "import-x/no-restricted-paths" },
  "lib/mls/upward.ts": { imports: ["../discovery/directory.js"], fault: "import-x/no-restricted-paths" },
  "lib/cli/entry.ts": { imports: ["../index.js"], fault: "import-x/no-restricted-paths" },
  "lib/codec/missing.ts": { imports: ["./nowhere.js"], fault: "import-x/no-unresolved" },
  "lib/codec/one.ts": { imports: ["./two.js"], fault: "import-x/no-cycle" },
  "lib/codec/two.ts": { imports: ["./three.js"], fault: "import-x/no-cycle" },
  "lib/codec/three.ts": { imports: ["./one.js"], fault: "import-x/no-cycle" },
};

interface Result {
  filePath: string;
  messages: { ruleId: string }[];
}

describe("import rules of lib/", () => {
  const tree = realpathSync(mkdtempSync(join(tmpdir(), "tinymls-lint-")));
  let results: Result[];

  beforeAll(() => {
    for (const [path, { imports }] of Object.entries(files)) {
      mkdirSync(join(tree, dirname(path)), { recursive: true });
      const lines = imports.map((from, index) => `import { value as value${index} } from "${from}";\n`);
      const values = imports.map((_, index) => `value${index}`);
      writeFileSync(join(tree, path), `${lines.join("")}export const value: unknown[] = [${values.join(", ")}];\n`);
    }
    symlinkSync(join(root, "node_modules"), join(tree, "node_modules"), "junction");
    const rules = pathToFileURL(join(root, "eslint.layers.js")).href;
    const config = `import { importRules } from "${rules}";\nexport default importRules(import.meta.dirname);\n`;
    writeFileSync(join(tree, "eslint.config.mjs"), config);
    const eslint = join(root, "node_modules/eslint/bin/eslint.js");
    const run = spawnSync(process.execPath, [eslint, "lib", "--format", "json"], { cwd: tree, encoding: "utf8" });
    expect(run.stderr).toBe("");
    results = JSON.parse(run.stdout) as Result[];
  }, 60_000);

  afterAll(() => rmSync(tree, { recursive: true, force: true }));

  test.each(Object.entries(files))("%s", (path, { fault }) => {
    const result = results.find(({ filePath }) => filePath.endsWith(join("/", path)));
    expect(result?.messages.map(({ ruleId }) => ruleId)).toEqual(fault ? [fault] : []);
  });
});
