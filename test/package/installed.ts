import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const root = resolve(".");
export const tsc = createRequire(join(root, "package.json")).resolve("typescript/bin/tsc");

export interface NodeLine {
  name: string;
  version: string;
  binary: string;
  present: boolean;
}

const matrix = (await import(pathToFileURL(join(root, "scripts/matrix.mjs")).href)) as { nodes: () => NodeLine[] };

/** The running Node and the lines of test/matrix. */
export const nodeLines: NodeLine[] = [
  { name: "this Node", version: process.versions.node, binary: process.execPath, present: true },
  ...matrix.nodes(),
];
export const matrixCommand = "node scripts/matrix.mjs";

export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs a program to its end; what npm has set for this run of the tests stays away from it. */
export function run(program: string, args: string[], cwd: string, more: Record<string, string> = {}): Ended {
  const kept = Object.entries(process.env).filter(([name]) => !/^(npm_|NODE_)/.test(name));
  const env = { ...Object.fromEntries(kept), ...more };
  const shell = process.platform === "win32" && /^np[mx]$/.test(program); // a script there
  const options = { cwd, env, shell, encoding: "utf8", maxBuffer: 1 << 26 } as const;
  const { status, stdout, stderr } = spawnSync(program, args, options);
  return { code: status, stdout, stderr };
}

function npm(args: string[], cwd: string): string {
  const { code, stdout, stderr } = run("npm", args, cwd);
  if (code !== 0) throw new Error(`npm ${args[0]} ended with ${code}:\n${stderr}`);
  return stdout;
}

export interface Packed {
  size: number;
  unpackedSize: number;
  files: { path: string; size: number }[];
}

/** The package, packed and installed from the tarball into an empty folder. */
export class Installation {
  readonly folder = realpathSync(mkdtempSync(join(tmpdir(), "tinymls-package-")));
  readonly app = join(this.folder, "app");
  readonly packed: Packed;

  constructor() {
    // What npm test has built is packed as it stands.
    const args = ["pack", "--ignore-scripts", "--json", "--pack-destination", this.folder];
    // An array before npm 12, then an object with the name as the key.
    const [packed] = Object.values(JSON.parse(npm(args, root)) as Record<string, Packed>);
    this.packed = packed!;
    mkdirSync(this.app);
    writeFileSync(join(this.app, "package.json"), "{}\n");
    const tarball = readdirSync(this.folder).find((name) => name.endsWith(".tgz"))!;
    npm(["install", "--prefer-offline", "--no-audit", "--no-fund", `../${tarball}`], this.app);
    for (const [name, text] of Object.entries(programs)) writeFileSync(join(this.app, name), text);
  }

  get installed(): string {
    return join(this.app, "node_modules", "tinymls");
  }

  run(program: string, args: string[]): Ended {
    return run(program, args, this.app);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

const body = `
const context = new Context();
const frame = context.encrypt("framed");
context.rotateKey();
console.log(context.decrypt(frame).toString(), context.epoch);
context.close();

const key = Secret.random(32);
const nonce = randomBytes(12);
const sealed = aead.seal("AES-256-GCM", key, nonce, Buffer.from("aad"), Buffer.from("plain"));
const opened = aead.open("AES-256-GCM", key, nonce, Buffer.from("aad"), sealed);
sealed[0] ^= 1;
let refused;
try {
  aead.open("AES-256-GCM", key, nonce, Buffer.from("aad"), sealed);
} catch (error) {
  refused = error instanceof TinyMlsError && error.code;
}
console.log("opened", opened.toString(), "refused", refused);
`;

/** What `programs` print. */
export const wanted = "framed 1\nopened plain refused undecryptable\n";

const names = "{ aead, randomBytes, Secret }";
const programs = {
  "require.cjs": `const ${names} = require("tinymls/crypto");\nconst { Context, TinyMlsError } = require("tinymls");\n${body}`,
  "import.mjs": `import ${names} from "tinymls/crypto";\nimport { Context, TinyMlsError } from "tinymls";\n${body}`,
  "types.mts": `import ${names} from "tinymls/crypto";\nimport { TinyMlsError } from "tinymls";
const sealed: Buffer = aead.seal("AES-256-GCM", Secret.random(32), randomBytes(12), Buffer.of(), Buffer.of(1));
export const code = (error: TinyMlsError): string => \`\${error.code} \${sealed.length}\`;
// @ts-expect-error no such algorithm
aead.seal("AES-512-GCM", Secret.random(32), randomBytes(12), Buffer.of(), Buffer.of(1));
`,
};
