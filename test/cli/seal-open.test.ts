import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { chmodSync, readdirSync, readFileSync, statSync, symlinkSync, lstatSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { randomBytes } from "tinymls/crypto";
import { folder, oneLine, tinymls } from "./command.js";

const { path, clean } = folder();
const key = path("a.key");
const passphrase = path("passphrase");

beforeAll(async () => {
  expect(await tinymls(["keygen", key])).toMatchObject({ code: 0, stderr: "" });
  writeFileSync(passphrase, "correct horse battery staple\n");
});
afterAll(clean);

const chunk = 256 * 1024;
const headerLength = 88;
const sizes = [0, 1, 88, chunk - 1, chunk, chunk + 1, 2 * chunk, 5_000_000];

describe("files and pipes", () => {
  test.each(sizes)("%d bytes through a pipe", async (size) => {
    const text = randomBytes(size);
    const sealed = await tinymls(["seal", "--key-file", key], { input: text });
    expect(sealed).toMatchObject({ code: 0, stderr: "" });
    const frames = Math.max(1, Math.ceil(size / chunk));
    expect(sealed.stdout.length).toBe(headerLength + size + frames * (4 + 39));
    const opened = await tinymls(["open", "-k", key], { input: sealed.stdout });
    expect(opened).toMatchObject({ code: 0, stderr: "" });
    expect(opened.stdout.equals(text)).toBe(true);
  });

  test.each([0, 1, chunk + 1])("%d bytes in files", async (size) => {
    const text = randomBytes(size);
    writeFileSync(path("text"), text);
    expect(await tinymls(["seal", path("text"), "-o", path("sealed"), "-k", key])).toMatchObject({ code: 0 });
    expect(await tinymls(["open", path("sealed"), "-o", path("opened"), "-k", key])).toMatchObject({ code: 0 });
    expect(readFileSync(path("opened")).equals(text)).toBe(true);
    expect(readFileSync(path("text")).equals(text)).toBe(true);
  });

  test.each(["aes-256-gcm", "aes-128-gcm", "chacha20-poly1305"])("suite %s, named in the file", async (suite) => {
    const sealed = await tinymls(["seal", "-k", key, "--suite", suite], { input: "text" });
    expect(sealed.stdout[8]).toBe({ "aes-128-gcm": 1, "aes-256-gcm": 2, "chacha20-poly1305": 3 }[suite]);
    expect((await tinymls(["open", "-k", key], { input: sealed.stdout })).stdout.toString()).toBe("text");
  });

  test("the same text sealed twice has nothing in common but the start of the header", async () => {
    const [one, two] = await Promise.all([0, 1].map(() => tinymls(["seal", "-k", key], { input: "text" })));
    expect(one!.stdout.subarray(0, 16).equals(two!.stdout.subarray(0, 16))).toBe(true);
    expect(one!.stdout.subarray(16, 48).equals(two!.stdout.subarray(16, 48))).toBe(false);
    expect(one!.stdout.subarray(headerLength + 4).equals(two!.stdout.subarray(headerLength + 4))).toBe(false);
  });

  test("an output that exists is replaced whole, with its mode; a link is followed", async () => {
    writeFileSync(path("target"), "before");
    chmodSync(path("target"), 0o640);
    symlinkSync(path("target"), path("link"));
    const sealed = await tinymls(["seal", "-k", key], { input: "after" });
    expect(await tinymls(["open", "-k", key, "-o", path("link")], { input: sealed.stdout })).toMatchObject({ code: 0 });
    expect(readFileSync(path("target"), "utf8")).toBe("after");
    expect(lstatSync(path("link")).isSymbolicLink()).toBe(true);
    expect(statSync(path("target")).mode & 0o777).toBe(0o640);
  });

  test("input and output may be one file, and a device is written to", async () => {
    writeFileSync(path("one"), "text");
    expect(await tinymls(["seal", path("one"), "-o", path("one"), "-k", key])).toMatchObject({ code: 0 });
    expect(await tinymls(["open", path("one"), "-o", "/dev/null", "-k", key])).toMatchObject({ code: 0 });
    expect(statSync("/dev/null").isCharacterDevice()).toBe(true);
    expect(await tinymls(["open", path("one"), "-o", path("one"), "-k", key])).toMatchObject({ code: 0 });
    expect(readFileSync(path("one"), "utf8")).toBe("text");
  });

  test("progress on request, up to 100%", async () => {
    writeFileSync(path("long"), randomBytes(1_000_000));
    const { code, stderr } = await tinymls(["seal", path("long"), "-o", path("long.sealed"), "-k", key, "--progress"]);
    expect(code).toBe(0);
    expect(stderr).toMatch(/^\[#{30}\] 100% of 976\.6 KiB, .*\/s, 0 s left\n$/);
  });
});

describe("passphrases", () => {
  test("seal and open; the costs stand in the header", async () => {
    const sealed = await tinymls(["seal", "--passphrase-file", passphrase], { input: "text" });
    expect(sealed).toMatchObject({ code: 0, stderr: "" });
    expect([sealed.stdout.readUInt32BE(48), sealed.stdout.readUInt16BE(52), sealed.stdout.readUInt16BE(54)]).toEqual([
      65536, 3, 1,
    ]);
    const opened = await tinymls(["open", "--passphrase-file", passphrase], { input: sealed.stdout });
    expect(opened).toMatchObject({ code: 0, stderr: "" });
    expect(opened.stdout.toString()).toBe("text");

    // The same line with the line break of another system, or without one, is the same passphrase.
    writeFileSync(path("passphrase.crlf"), "correct horse battery staple\r\n");
    writeFileSync(path("passphrase.bare"), "correct horse battery staple");
    for (const file of ["passphrase.crlf", "passphrase.bare"]) {
      const { code, stdout } = await tinymls(["open", "--passphrase-file", path(file)], { input: sealed.stdout });
      expect({ code, text: stdout.toString() }).toEqual({ code: 0, text: "text" });
    }
  });

  test("a wrong one is refused, and nothing is written", async () => {
    const sealed = await tinymls(["seal", "--passphrase-file", passphrase], { input: "text" });
    writeFileSync(path("wrong"), "incorrect\n");
    const args = ["open", "--passphrase-file", path("wrong"), "-o", path("never")];
    const refused = await tinymls(args, { input: sealed.stdout });
    expect(refused).toMatchObject({ code: 1, stdout: Buffer.alloc(0) });
    expect(refused.stderr).toMatch(/^tinymls: the passphrase does not open standard input.*\n$/);
    expect(readdirSync(dirname(key)).filter((name) => name.includes("never"))).toEqual([]);
  });

  test.each([
    ["empty", ""],
    ["a blank line", "\n"],
    ["two lines", "one\ntwo\n"],
    ["too long", "x".repeat(1025)],
  ])("a file that is %s is no passphrase", async (_, content) => {
    writeFileSync(path("none"), content);
    const refused = await tinymls(["seal", "--passphrase-file", path("none")], { input: "text" });
    expect(refused).toMatchObject({ code: 3, stdout: Buffer.alloc(0) });
    expect(refused.stderr).toMatch(oneLine);
  });

  test("without a terminal none is asked for", async () => {
    const refused = await tinymls(["seal", "--passphrase"], { input: "text" });
    expect(refused).toMatchObject({ code: 2, stdout: Buffer.alloc(0) });
    expect(refused.stderr).toMatch(/^tinymls: there is no terminal .*--passphrase-file\n$/);
  });
});
