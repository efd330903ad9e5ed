import { expect, test } from "@jest/globals";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const { absentFromLock, lintFile } = (await import(pathToFileURL(resolve("scripts/lint-tree.mjs")).href)) as {
  absentFromLock: (path: string, text: string) => string[];
  lintFile: (path: string, text: string) => string[];
};

// Put together here, so that this file passes the very check it tests.
const machinePath = ["", "root", "project"].join("/");
const relativePath = ["..", "work", "item.js"].join("/");
const address = ["https://example.org", "home", "page"].join("/");
const registryHost = ["registry", "npmjs", "org"].join(".");

test.each([
  ["a.ts", `open("${machinePath}")`, "a.ts:1: machine path"],
  ["README.md", `ok\nsee ${machinePath}`, "README.md:2: machine path"],
  [".npmrc", `host=https://${registryHost}/`, ".npmrc:1: registry host"],
  ["package-lock.json", `"resolved${'": "'}https://example.org/a.tgz"`, "package-lock.json:1: address in a lock file"],
  ["a.test.ts", `test${".skip"}("later")`, "a.test.ts:1: skipped or focused test"],
  ["a.cc", `// ${"TO" + "DO"} later`, "a.cc:1: unfinished work"],
  ["a.h", "\n".repeat(401), "a.h: 401 lines, at most 400"],
])("%s: %j is found", (path, text, finding) => {
  expect(lintFile(path, text)).toEqual([finding]);
});

test.each([
  ["a.ts", `import '${relativePath}'; // ${address}`],
  ["a.ts", "\n".repeat(400)],
  ["README.md", "\n".repeat(1000)],
])("%s: %j is fine", (path, text) => {
  expect(lintFile(path, text)).toEqual([]);
});

test("a lock file that names what it does not hold is found", () => {
  const lock = {
    packages: {
      "": { dependencies: { a: "1" } },
      "node_modules/a": { optionalDependencies: { "@x/b": "1" } },
      "node_modules/a/node_modules/@x/b": { dependencies: { c: "1" } },
    },
  };
  expect(absentFromLock("lock", JSON.stringify(lock))).toEqual(["lock: c is named and not there"]);
});
