import { describe, expect, test } from "@jest/globals";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { run } from "./installed.js";

const { which } = (await import(pathToFileURL(resolve("scripts/run.mjs")).href)) as {
  which: (...names: string[]) => string | undefined;
};
const { headers } = (await import(pathToFileURL(resolve("scripts/headers.mjs")).href)) as { headers: () => unknown };
const tools = which("cmake") !== undefined && which("c++", "g++", "clang++") !== undefined && headers() !== undefined;
const reason = tools ? undefined : "needs cmake, a C++ compiler, and the headers beside this Node";
const minutes = 60_000;
const exported =
  "const { addon } = await import('#dist/native/addon.js'); console.log(Object.keys(addon()).sort().join());";
const roundTrip = `
const { Context } = await import("tinymls");
const context = new Context();
console.log(context.decrypt(context.encrypt("sealed")).toString());
context.close();
`;

describe("the addon as CMake builds it", () => {
  if (reason) {
    test.skip(`cmake-js: ${reason}`, () => undefined);
    return;
  }

  test(
    "has the functions of the one that is shipped, and works",
    () => {
      const built = run("npm", ["run", "build:cmake"], ".");
      expect(built.code === 0 ? "" : built.stdout + built.stderr).toBe("");
      const made = { TINYMLS_PREBUILD: resolve("build/cmake") };
      const evaluate = (code: string, prebuild?: Record<string, string>) =>
        run(process.execPath, ["--input-type=module", "--eval", code], ".", prebuild);
      const shipped = evaluate(exported);
      expect(shipped).toMatchObject({ code: 0, stdout: expect.stringContaining("contextSeal") });
      expect(evaluate(exported, made)).toEqual(shipped);
      expect(evaluate(roundTrip, made)).toEqual({ code: 0, stdout: "sealed\n", stderr: "" });
    },
    5 * minutes,
  );
});
