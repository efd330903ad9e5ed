import { beforeAll, describe, expect, test } from "@jest/globals";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

// Each ```ts block of the documents is a module: all are type-checked in one pass, then run. `console.log(...); // text` must
// print that text. A block that starts with ```ts no-run is only type-checked.
const root = resolve(".");
const build = join(root, ".test-build", "docs");
const tsc = join(root, "node_modules", "typescript", "bin", "tsc");

interface Block {
  name: string; // document and line
  code: string;
  run: boolean;
}

function documents(): string[] {
  const guides = readdirSync(join(root, "docs"), { recursive: true }) as string[];
  const all = ["README.md", "CONTRIBUTING.md", "SECURITY.md", ...guides.map((path) => join("docs", path))];
  return all.filter((path) => path.endsWith(".md")).sort();
}

function blocksOf(document: string): Block[] {
  const text = readFileSync(join(root, document), "utf8");
  return [...text.matchAll(/^```ts( no-run)?\n(.*?)^```$/gms)].map(({ 1: noRun, 2: code, index }) => {
    const line = text.slice(0, index).split("\n").length + 1;
    // Blank lines before it let an error of the compiler name the line of the document.
    return { name: `${document}:${line}`, code: "\n".repeat(line - 1) + code!, run: noRun === undefined };
  });
}

const blocks = documents().flatMap(blocksOf);
const moduleOf = ({ name }: Block) => join(build, name.replace(/[\\/:]/g, "-"));
const outputs = ({ code }: Block) => [...code.matchAll(/console\.log\(.*\); \/\/ (.*)$/gm)].map(([, text]) => text!);

function node(...args: string[]): { code: number | null; output: string; errors: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, ["--no-warnings", ...args], {
    cwd: build,
    encoding: "utf8",
    env: { ...process.env, NODE_OPTIONS: "" },
    timeout: 60_000,
  });
  return { code: status, output: stdout, errors: stderr };
}

describe("ts blocks of the documents", () => {
  beforeAll(() => {
    rmSync(build, { recursive: true, force: true });
    mkdirSync(build, { recursive: true });
    for (const block of blocks) writeFileSync(`${moduleOf(block)}.ts`, block.code);
    const config = {
      extends: "../../tsconfig.json",
      compilerOptions: { rootDir: ".", outDir: ".", declaration: false, moduleDetection: "force" },
      include: ["*.ts"],
      exclude: [],
    };
    writeFileSync(join(build, "tsconfig.json"), JSON.stringify(config));
  });

  test("type-check", () => {
    expect(node(tsc, "-p", ".")).toEqual({ code: 0, output: "", errors: "" });
  }, 120_000);

  test.each(blocks.filter(({ run }) => run).map((block) => [block.name, block] as const))(
    "%s runs",
    (_, block) => {
      const { code, output, errors } = node(`${moduleOf(block)}.js`);
      expect({ code, errors }).toEqual({ code: 0, errors: "" });
      const lines = output.split("\n");
      for (const text of outputs(block)) expect(lines).toContain(text);
    },
    60_000,
  );

  test("there are some, and a wrong one is seen", () => {
    expect(blocks.length).toBeGreaterThan(0);
    const wrong = {
      name: "wrong.md:1",
      code: 'import { randomBytes } from "tinymls/crypto";\nrandomBytes("8");\n',
      run: true,
    };
    const config = { extends: "./tsconfig.json", include: ["wrong*.ts"], exclude: [] };
    writeFileSync(`${moduleOf(wrong)}.ts`, wrong.code);
    writeFileSync(join(build, "wrong.json"), JSON.stringify(config));
    const { code, output } = node(tsc, "--pretty", "false", "-p", "wrong.json");
    expect(code).not.toBe(0);
    expect(output).toContain("wrong.md-1.ts(2,13): error TS2345");
  }, 120_000);
});

// The programs of examples/ are compiled with the tests.
const examples = join(root, ".test-build", "examples");
const programs = existsSync(examples) ? readdirSync(examples).filter((name) => name.endsWith(".js")) : [];

describe("examples/", () => {
  test("every source is among the programs", () => {
    const folder = join(root, "examples");
    const sources = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith(".ts")) : [];
    expect(programs).toEqual(sources.map((name) => name.replace(/\.ts$/, ".js")));
  });

  for (const program of programs) {
    test(`${program} runs`, () => {
      const { code, errors } = node(join(examples, program));
      expect({ code, errors }).toEqual({ code: 0, errors: "" });
    }, 120_000);
  }
});
