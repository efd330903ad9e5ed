import { describe, expect, test } from "@jest/globals";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

interface Check {
  faults: string[];
  facts: { needed: string[]; nodeApi: number; openssl: number; glibc: string };
}
type Target = { arch: string; libc: string };

const script = pathToFileURL(resolve("scripts/prebuild/check.mjs")).href;
const { checkElf } = (await import(script)) as { checkElf: (file: string, target: Target) => Check };

const { arch } = process;
const target = { arch, libc: "glibc" };
const prebuilt = join("prebuilds", `linux-${arch}`, "tinymls.glibc.node");
const reason = existsSync(prebuilt) ? undefined : "made on Linux with glibc, by Node 20";

describe("checks of a prebuild", () => {
  if (reason) {
    test.skip(`${prebuilt}: ${reason}`, () => undefined);
    return;
  }

  test("a prebuild needs libc and the compiler's run-time library alone, of glibc 2.28 or older", () => {
    const { faults, facts } = checkElf(prebuilt, target);
    expect(faults).toEqual([]);
    expect(facts.nodeApi).toBeGreaterThan(0);
    expect(facts.openssl).toBeGreaterThan(0);
    expect(facts.needed.join()).not.toMatch(/crypto|ssl|stdc/);
  });

  test("the addon as build.mjs leaves it is refused: it needs the libstdc++ of this machine", () => {
    expect(checkElf(join("build", "Release", "tinymls.node"), target).faults).toContain("needs libstdc++.so.6");
  });

  test("a program that is no addon, or one of another machine, is refused", () => {
    const other = { arch: arch === "x64" ? "arm64" : "x64", libc: "glibc" };
    expect(checkElf(prebuilt, other).faults).toContainEqual(expect.stringMatching(/^built for .*, not /));
    expect(checkElf("/usr/bin/env", target).faults).toContain("uses no Node-API function");
  });
});
