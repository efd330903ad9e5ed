import { afterAll, describe, expect, test } from "@jest/globals";
import { spawnSync, type SpawnSyncReturns } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { folder, tinymls } from "./command.js";

const { path, clean } = folder();
afterAll(clean);

interface Edit {
  /** In `dist`. */
  readonly file: string;
  readonly right: string;
  readonly wrong: string;
}

interface Copy {
  readonly edit?: Edit;
  /** A package of SQLite that the copy finds. Default: none. */
  readonly sqlite?: string;
}

interface Run extends SpawnSyncReturns<string> {
  /** What is in the temporary folder that it was given, once it ended. */
  readonly left: readonly string[];
}

/** The demo of a copy of the program, which finds no packages but those that it is given. */
function copiedDemo({ edit, sqlite }: Copy): Run {
  const copy = path(`copy-${copies++}`);
  cpSync("dist", join(copy, "dist"), { recursive: true });
  for (const needed of ["package.json", "build/Release", "node_modules/node-gyp-build"]) {
    cpSync(needed, join(copy, needed), { recursive: true });
  }
  if (sqlite !== undefined) symlinkSync(resolve("node_modules", sqlite), join(copy, "node_modules", sqlite));
  if (edit !== undefined) change(join(copy, "dist", edit.file), edit);
  const temporary = join(copy, "temporary");
  mkdirSync(temporary);
  const ended = spawnSync(process.execPath, [join(copy, "dist/cli/main.js"), "demo", "--seconds", "1"], {
    encoding: "utf8",
    cwd: resolve("."),
    env: { ...process.env, TMPDIR: temporary, TEMP: temporary, TMP: temporary },
  });
  return { ...ended, left: readdirSync(temporary) };
}
let copies = 0;

function change(file: string, { right, wrong }: Edit): void {
  const source = readFileSync(file, "utf8");
  expect(source.split(right)).toHaveLength(2);
  writeFileSync(
    file,
    source.replace(right, () => wrong),
  );
}

/** The checks that did not hold, for whoever reads that a test failed. */
function failedIn(text: string): string[] {
  return text.split("\n").filter((line) => line.includes("FAIL"));
}

const allHeld = /\nAll \d+ checks held, in [0-9.]+ s\.\n$/;

describe("demo", () => {
  test("does the main job, every check holds, and no file is left", async () => {
    writeFileSync(path("mine"), "a file of mine");
    const before = new Set(readdirSync(tmpdir()));
    const { code, stdout, stderr } = await tinymls(["demo", "--seconds", "1", "--file", path("mine")]);
    const text = stdout.toString();
    expect({ code, stderr, failed: failedIn(text) }).toEqual({ code: 0, stderr: "", failed: [] });
    expect(text).not.toMatch(/FAIL|skip |skipped$|\r|\x1b/m); // eslint-disable-line no-control-regex -- plain without a terminal
    expect(text).toMatch(/^ {2}ok {3}SHA-256 of every file is that of before: (\d+) of \1$/m);
    expect(text).toMatch(/^ {2}ok {3}each attempt is refused with its code: (\d+) of \1$/m);
    expect(text).toMatch(allHeld);
    expect(text).toMatch(/^ {4}Each member keeps its state in a SQLite file, sealed under a random key\.$/m);
    expect(text).toMatch(
      /^ {2}ok {3}alice is killed while she sends, and starts again: \d+ messages were out, 20 follow; \d+ generations skipped, 0 repeated$/m,
    );
    const told = "she finds it pending, confirms it and reads what she missed; epoch 7, 3 members";
    expect(text).toContain(`  ok   alice is killed before she confirms a commit: ${told}`);
    const lost = "his commit is superseded, he rebases it; what he had read is a duplicate; epoch 9, 3 members";
    expect(text).toContain(`  ok   bob is killed, and carol's commit wins: ${lost}`);
    const summary = text.slice(text.indexOf("What happened"));
    for (const what of ["while she sends, and starts again", "before she confirms a commit"]) {
      expect(summary).toMatch(new RegExp(`^ +alice is killed ${what} +ok$`, "m"));
    }
    const left = readdirSync(tmpdir()).filter((name) => name.startsWith("tinymls-demo-") && !before.has(name));
    expect(left).toEqual([]);
  }, 120_000);

  test("without a package of SQLite it says so, keeps state in memory and leaves the crashes out", () => {
    const { status, stdout, stderr, left } = copiedDemo({});
    expect({ status, stderr, left, failed: failedIn(stdout) }).toEqual({ status: 0, stderr: "", left: [], failed: [] });
    const why = "SQLite needs one of these packages to be installed: better-sqlite3, libsql";
    const line = `  skip crashes and recoveries: ${why}; the members keep their state in memory`;
    expect(stdout.split("\n").filter((text) => /SQLite/.test(text))).toEqual([line]);
    expect(stdout).toMatch(/^ {2}A group of three processes +crashes and recoveries +skipped$/m);
    expect(stdout).not.toMatch(/killed|FAIL/);
    expect(stdout).toMatch(allHeld);
  }, 120_000);

  test("a check that does not hold fails it", () => {
    const edit = {
      file: "cli/demo/files.js",
      right: "this.#hash.update(data)",
      wrong: "this.#hash.update(Math.random().toString())",
    };
    const run = copiedDemo({ edit });
    expect(run.status).toBe(1);
    expect(run.stdout).toMatch(/^ {2}FAIL SHA-256 of every file/m);
    expect(run.stdout).toMatch(/\n1 of \d+ checks FAILED/);
  }, 120_000);

  test("generations that a crash brings back fail it, and no file is left either", () => {
    // The ratchet is stored as it is, not as it is behind what was reserved.
    const right = "leafIndex === this.ownLeafIndex ? (this.#ratchets.own(type).end ?? generation) : generation";
    const edit = { file: "mls/schedule/secret-tree.js", right, wrong: "generation" };
    let run = copiedDemo({ edit, sqlite: "libsql" });
    // Where she is killed just when all that was reserved is used, nothing can come again.
    for (let again = 0; run.status === 0 && again < 3; again++) run = copiedDemo({ edit, sqlite: "libsql" });
    const { status, stdout, left } = run;
    expect({ status, left }).toEqual({ status: 1, left: [] });
    expect(stdout).toMatch(/^ {2}FAIL alice is killed while she sends, and starts again: .* [1-9]\d* repeated$/m);
  }, 120_000);

  test.each(["SIGKILL", "SIGSEGV"])(
    "a member whose process ends between two calls, by %s, is told of",
    (signal) => {
      // It answers, and is gone a moment later.
      const wrong = `(result) => process.send({ id, result }, () => name === "leafIndexOf" && process.kill(process.pid, "${signal}"))`;
      const right = "(result) => process.send({ id, result })";
      const run = copiedDemo({ edit: { file: "cli/demo/groups/member-process.js", right, wrong } });
      const line = `tinymls: internal error, Error: the process of alice ended: ${signal}: please report it\n`;
      expect({ status: run.status, stderr: run.stderr, left: run.left }).toEqual({ status: 1, stderr: line, left: [] });
    },
    120_000,
  );
});
