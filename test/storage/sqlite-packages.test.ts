// Which of the packages for SQLite is taken: in a project of its own, with other packages installed.
import { afterEach, expect, test } from "@jest/globals";
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

const require = createRequire(import.meta.url);
const dist = dirname(require.resolve("#dist/index.js"));
const folders: string[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function project(packages: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), "tinymls-packages-"));
  folders.push(folder);
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  for (const file of ["errors.js", "storage/sqlite/database.js"]) cpSync(join(dist, file), join(folder, file));
  for (const [name, source] of Object.entries(packages)) {
    mkdirSync(join(folder, "node_modules", name), { recursive: true });
    writeFileSync(join(folder, "node_modules", name, "index.js"), source);
  }
  return folder;
}

/** What a database of the class answers, or the error. */
function taken(folder: string): string {
  const script = `
    const { loadDatabaseClass } = await import("./storage/sqlite/database.js");
    try {
      const database = new (await loadDatabaseClass())(":memory:");
      console.log(JSON.stringify(database.prepare("SELECT 1 + 1 AS two").get()));
    } catch (error) {
      console.log(error.code, error.cause.errors.map(({ message }) => message.split("\\n")[0].split(" from ")[0]).join("; "));
    }`;
  const args = ["--input-type=module", "--eval", script];
  return execFileSync(process.execPath, args, { cwd: folder, encoding: "utf8" }).trim();
}

const withoutAddon = `module.exports = class { constructor() { throw new Error("Could not locate the bindings file"); } };`;

test("a package whose addon does not load does not hide one that works", () => {
  const folder = project({ "better-sqlite3": withoutAddon });
  const libsql = realpathSync(dirname(require.resolve("libsql")));
  symlinkSync(libsql, join(folder, "node_modules", "libsql"));
  expect(taken(folder)).toMatch(/^{"two":2\b/);
});

test("without one that works the error says what each of them said", () => {
  const folder = project({ "better-sqlite3": withoutAddon });
  expect(taken(folder)).toBe("config Could not locate the bindings file; Cannot find package 'libsql' imported");
});
