import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { Installation, matrixCommand, nodeLines, tsc, wanted } from "./installed.js";

const platform = `${process.platform}-${process.arch}`;
const minutes = 60_000;
let installation: Installation;
const { bin, version: packageVersion } = JSON.parse(readFileSync("package.json", "utf8")) as {
  bin: { tinymls: string };
  version: string;
};

beforeAll(() => {
  installation = new Installation();
}, 3 * minutes);
afterAll(() => installation.remove());

describe("the tarball", () => {
  test("holds the library, its prebuild, and what compiles it; no tests, no tools", () => {
    const paths = installation.packed.files.map(({ path }) => path);
    const folders = new Set(paths.map((path) => (path.includes("/") ? path.split("/")[0] : path)));
    expect([...folders].sort()).toEqual(
      ["CHANGELOG.md", "LICENSE", "README.md", "SECURITY.md", "binding.gyp", "dist", "docs", "native"].concat([
        "package.json",
        "prebuilds",
        "scripts",
      ]),
    );
    const documents = paths.filter((path) => path.startsWith("docs/"));
    expect(documents).toEqual(["docs/alerts.yml", "docs/dashboard.json"]);
    expect(paths).toContainEqual(expect.stringMatching(`^prebuilds/${platform}/tinymls.*[.]node$`));
    expect(paths.filter((path) => path.startsWith("scripts/"))).toEqual([
      "scripts/build.mjs",
      "scripts/headers.mjs",
      "scripts/sources.mjs",
    ]);
    console.log(`tarball: ${installation.packed.size} bytes packed, ${installation.packed.unpackedSize} unpacked`);
    expect(installation.packed.size).toBeLessThan(4 << 20);
  });

  test("runs nothing when it is installed", () => {
    const manifest = JSON.parse(readFileSync(join(installation.installed, "package.json"), "utf8")) as {
      scripts: Record<string, string>;
      gypfile: boolean;
      dependencies: Record<string, string>;
    };
    const scripts = Object.keys(manifest.scripts);
    expect(scripts.filter((name) => ["preinstall", "install", "postinstall"].includes(name))).toEqual([]);
    expect(manifest.gypfile).toBe(false);
    expect(Object.keys(manifest.dependencies)).toEqual(["node-gyp-build"]);
    expect(existsSync(join(installation.installed, "build"))).toBe(false);
  });

  test("carries its types", () => {
    const roots = join(resolve("."), "node_modules", "@types");
    const options = ["--noEmit", "--strict", "--module", "nodenext", "--target", "es2022", "--typeRoots", roots];
    const ended = installation.run(process.execPath, [tsc, ...options, "--types", "node", "types.mts"]);
    expect(ended).toEqual({ code: 0, stdout: "", stderr: "" });
  });
});

describe("installed from the tarball", () => {
  for (const { name, version, binary, present } of nodeLines) {
    for (const program of ["require.cjs", "import.mjs"]) {
      if (!present) {
        test.skip(`${program} on ${name} ${version}: not installed, ${matrixCommand} installs it`, () => undefined);
        continue;
      }
      test(`${program} on ${name} ${version}`, () => {
        const ended = installation.run(binary, ["--no-warnings", program]);
        expect(ended).toEqual({ code: 0, stdout: wanted, stderr: "" });
      });
    }
  }

  for (const { name, version, binary } of nodeLines.filter(({ present }) => present)) {
    test(`the command on ${name} ${version}`, () => {
      const { code, stdout } = installation.run(binary, [join("node_modules", "tinymls", bin.tinymls), "doctor"]);
      expect(stdout).toContain("tinymls works here.");
      expect(code).toBe(0);
    });
  }

  test("npx finds the command", () => {
    const ended = installation.run("npx", ["--no-install", "tinymls", "--version"]);
    expect(ended).toMatchObject({ code: 0, stdout: `${packageVersion}\n` });
  });

  test("the main job runs", () => {
    const program = join("node_modules", "tinymls", bin.tinymls);
    const { code, stdout, stderr } = installation.run(process.execPath, [program, "demo", "--seconds", "1"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/\nAll \d+ checks held/);
  });

  // Last, since it takes the prebuilds away.
  test(
    "without a prebuild one error names the platform and the command that compiles it, and the command does",
    () => {
      rmSync(join(installation.installed, "prebuilds"), { recursive: true });
      const failed = installation.run(process.execPath, ["import.mjs"]);
      expect(failed.code).toBe(1);
      expect(failed.stderr).toContain(`no native addon that loads on ${platform}`);
      const [, command] = /by: node (\S*build\.mjs)/.exec(failed.stderr) ?? [];
      expect(command).toBe(join("node_modules", "tinymls", "scripts", "build.mjs"));

      expect(installation.run(process.execPath, [command!])).toEqual({ code: 0, stdout: "", stderr: "" });
      for (const program of ["require.cjs", "import.mjs"]) {
        const ended = installation.run(process.execPath, ["--no-warnings", program]);
        expect(ended).toEqual({ code: 0, stdout: wanted, stderr: "" });
      }
    },
    5 * minutes,
  );
});
