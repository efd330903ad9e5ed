import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { randomBytes } from "tinymls/crypto";
import { folder, oneLine, tinymls } from "./command.js";

const { path, clean } = folder();
const key = path("key");
const chunk = 256 * 1024;
const frame = chunk + 4 + 39;
const header = 88;
const text = randomBytes(2 * chunk + 5000);
let sealed: Buffer;

beforeAll(async () => {
  await tinymls(["keygen", key]);
  sealed = (await tinymls(["seal", "-k", key], { input: text })).stdout;
});
afterAll(clean);

const frames = () => [0, 1, 2].map((i) => sealed.subarray(header + i * frame, header + (i + 1) * frame));
const head = () => sealed.subarray(0, header);
const flip = (at: number) => {
  const changed = Buffer.from(sealed);
  changed[at]! ^= 1;
  return changed;
};
const join = (...parts: (Buffer | undefined)[]) => Buffer.concat(parts as Buffer[]);

describe("a sealed file that was changed", () => {
  const cases: [what: string, change: () => Buffer, message: RegExp][] = [
    ["emptied", () => Buffer.alloc(0), /is empty/],
    ["cut inside its header", () => sealed.subarray(0, 40), /ends inside its header/],
    ["cut after its header", () => head(), /ends before its last chunk/],
    ["cut inside a chunk", () => sealed.subarray(0, header + 1000), /ends before its last chunk/],
    ["cut after a chunk", () => join(head(), frames()[0], frames()[1]), /changed, moved or lost/],
    ["given a second end", () => join(sealed, frames()[2]), /changed, moved or lost/],
    ["given one octet more", () => join(sealed, Buffer.alloc(1)), /is damaged/],
    ["reordered", () => join(head(), frames()[1], frames()[0], frames()[2]), /changed, moved or lost/],
    ["robbed of its first chunk", () => join(head(), frames()[1], frames()[2]), /changed, moved or lost/],
    ["given a chunk twice", () => join(head(), frames()[0], frames()[0], frames()[1], frames()[2]), /changed, moved/],
    ["no longer of this format", () => flip(0), /was not sealed by tinymls/],
    ["of another version", () => flip(7), /format version 0.*newer tinymls/],
    ["flipped in its suite", () => flip(8), /is damaged/],
    ["flipped in its kind of key", () => flip(9), /./],
    ["flipped in its reserved octets", () => flip(10), /its header is not valid/],
    ["flipped in its chunk size", () => flip(13), /its header was changed/],
    ["flipped in its salt", () => flip(16), /its header was changed/],
    ["flipped in its key id", () => flip(48), /was sealed with the key/],
    ["flipped in its HMAC", () => flip(87), /its header was changed/],
    ["flipped in a length", () => flip(header), /is damaged/],
    ["flipped in a frame's header", () => flip(header + 4 + 10), /changed, moved or lost/],
    ["flipped in the first chunk", () => flip(header + 500), /changed, moved or lost/],
    ["flipped in the last octet", () => flip(sealed.length - 1), /changed, moved or lost/],
  ];

  test.each(cases)("%s is refused, and nothing is left", async (_, change, message) => {
    const output = path("output");
    const refused = await tinymls(["open", "-k", key, "-o", output], { input: change() });
    expect(refused).toMatchObject({ code: 1, signal: null, stdout: Buffer.alloc(0) });
    expect(refused.stderr).toMatch(oneLine);
    expect(refused.stderr).toMatch(message);
    expect(readdirSync(dirname(output))).toEqual(["key"]);
  });

  test("an output that was there stays as it was", async () => {
    writeFileSync(path("kept"), "before");
    const refused = await tinymls(["open", "-k", key, "-o", path("kept")], { input: flip(sealed.length - 1) });
    expect(refused.code).toBe(1);
    expect(readFileSync(path("kept"), "utf8")).toBe("before");
  });

  test("on a pipe only whole chunks that are authentic come before the refusal", async () => {
    const refused = await tinymls(["open", "-k", key], { input: flip(header + 2 * frame + 100) });
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/discard what was written/);
    expect(refused.stdout.equals(text.subarray(0, 2 * chunk))).toBe(true);
  });

  test("a header of another sealed file does not fit", async () => {
    const other = (await tinymls(["seal", "-k", key], { input: text })).stdout;
    const refused = await tinymls(["open", "-k", key], { input: join(other.subarray(0, header), ...frames()) });
    expect(refused).toMatchObject({ code: 1, stdout: Buffer.alloc(0) });
  });

  test("forged costs of Argon2id are refused before any work", async () => {
    writeFileSync(path("passphrase"), "x\n");
    const args = ["--passphrase-file", path("passphrase")];
    const whole = (await tinymls(["seal", ...args], { input: "text" })).stdout;
    for (const [at, value] of [
      [48, 0x7fffffff],
      [48, 0],
      [52, 0xffff0001],
      [52, 0x0003ffff],
    ] as const) {
      const forged = Buffer.from(whole);
      forged.writeUInt32BE(value, at);
      const refused = await tinymls(["open", ...args], { input: forged });
      expect(refused).toMatchObject({ code: 1, stdout: Buffer.alloc(0) });
      expect(refused.stderr).toMatch(/its header is not valid/);
    }
  });
});

describe("the command line", () => {
  test.each([
    [["seal", "-k", "KEY", "absent"], 3, /absent: no such file/],
    [["seal", "-k", "absent", "KEY"], 3, /absent: no such file/],
    [["open", "-k", "KEY", "KEY"], 1, /was not sealed by tinymls/],
    [["seal", "-k", "KEY", "."], 3, /\. is a folder/],
    [["seal", "-k", "KEY", "KEY", "-o", "."], 3, /\. is a folder/],
    [["seal", "-k", "KEY", "KEY", "-o", "absent/x"], 3, /no such file or folder/],
    [["seal", "-k", "KEY", "one", "two"], 2, /too many operands, two/],
    [["seal", "-k", "KEY", "--suite", "rot13"], 2, /no suite rot13.*aes-256-gcm/],
    [["seal", "-k", "KEY", "--nonsense"], 2, /--nonsense/],
    [["seal", "-k"], 2, /./],
    [["keygen", "absent/key"], 3, /no such file or folder/],
    [["doctor", "KEY"], 2, /unknown operand/],
    [["bench", "--seconds", "0"], 2, /--seconds 0 is out of range/],
    [["inspect"], 2, /no message is named/],
    [["fry"], 2, /no command "fry"/],
    [["toString"], 2, /no command "toString"/],
  ] as [string[], number, RegExp][])("%j ends with %d", async (args, code, message) => {
    const named = args.map((arg) => (arg === "KEY" ? key : arg));
    const refused = await tinymls(named, { cwd: dirname(key) });
    expect(refused).toMatchObject({ code, stdout: Buffer.alloc(0) });
    expect(refused.stderr).toMatch(oneLine);
    expect(refused.stderr).toMatch(message);
    expect(existsSync(path("absent"))).toBe(false);
  });

  test("without a command it tells what there is, and fails", async () => {
    const { code, stdout, stderr } = await tinymls([]);
    expect({ code, stdout: stdout.length }).toEqual({ code: 2, stdout: 0 });
    expect(stderr).toMatch(/^Usage: tinymls COMMAND/);
  });

  test("help for all and for each command; the version is the package's", async () => {
    const { version } = JSON.parse(readFileSync("package.json", "utf8"));
    expect((await tinymls(["--version"])).stdout.toString()).toBe(`${version}\n`);
    const overview = (await tinymls(["help"])).stdout.toString();
    const names = [...overview.matchAll(/^ {2}([a-z]+) {2,}/gm)].map(([, name]) => name!);
    expect(names).toEqual(["demo", "keygen", "seal", "open", "inspect", "doctor", "bench", "help"]);
    for (const name of names.filter((known) => known !== "help")) {
      const asked = await tinymls(["help", name]);
      expect(asked).toMatchObject({ code: 0, stderr: "" });
      expect(asked.stdout.toString()).toMatch(new RegExp(`^Usage: tinymls ${name}`));
      expect((await tinymls([name, "--help"])).stdout.equals(asked.stdout)).toBe(true);
    }
  }, 30_000);
});
