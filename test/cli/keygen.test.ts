import { afterAll, describe, expect, test } from "@jest/globals";
import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { folder, oneLine, tinymls } from "./command.js";

const { path, clean } = folder();
afterAll(clean);

const seal = (key: string, ...more: string[]) => tinymls(["seal", "-k", key, ...more], { input: "text" });
const open = (key: string, input: Buffer, ...more: string[]) => tinymls(["open", "-k", key, ...more], { input });

describe("keygen", () => {
  test("writes a key that its owner alone may read, and tells its id", async () => {
    const { code, stdout, stderr } = await tinymls(["keygen", path("a")]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(statSync(path("a")).mode & 0o777).toBe(0o600);
    const text = readFileSync(path("a"), "utf8");
    expect(text).toMatch(/^tinymls key 1\nid [0-9a-f]{16}\ncreated \S+Z\nkey [0-9a-f]{64}\ncheck [0-9a-f]{16}\n$/);
    const id = /^id (.*)$/m.exec(text)![1];
    expect(stdout.toString()).toBe(`key ${id} is in ${path("a")}\n`);
  });

  test("replaces a key only when told to", async () => {
    await tinymls(["keygen", path("kept")]);
    const before = readFileSync(path("kept"));
    const refused = await tinymls(["keygen", path("kept")]);
    expect(refused.code).toBe(3);
    expect(refused.stderr).toMatch(oneLine);
    expect(readFileSync(path("kept")).equals(before)).toBe(true);
    expect(await tinymls(["keygen", path("kept"), "--force"])).toMatchObject({ code: 0 });
    expect(readFileSync(path("kept")).equals(before)).toBe(false);
    expect(statSync(path("kept")).mode & 0o777).toBe(0o600);
  });

  test("to standard output", async () => {
    const { code, stdout } = await tinymls(["keygen", "-"]);
    expect(code).toBe(0);
    writeFileSync(path("piped"), stdout, { mode: 0o600 });
    const sealed = await seal(path("piped"));
    expect((await open(path("piped"), sealed.stdout)).stdout.toString()).toBe("text");
  });

  test("with a passphrase it holds no key in the clear, and is of use with the passphrase alone", async () => {
    writeFileSync(path("passphrase"), "open sesame\n");
    writeFileSync(path("wrong"), "open barley\n");
    const keygen = await tinymls(["keygen", path("locked"), "--passphrase-file", path("passphrase")]);
    expect(keygen).toMatchObject({ code: 0, stderr: "" });
    const text = readFileSync(path("locked"), "utf8");
    expect(text).toMatch(/\nargon2id 65536 3 1 [0-9a-f]{32}\nsealed [0-9a-f]{120}\ncheck/);
    expect(text).not.toMatch(/^key /m);

    const sealed = await seal(path("locked"), "--passphrase-file", path("passphrase"));
    expect(sealed).toMatchObject({ code: 0, stderr: "" });
    const opened = await open(path("locked"), sealed.stdout, "--passphrase-file", path("passphrase"));
    expect(opened.stdout.toString()).toBe("text");
    const wrong = await open(path("locked"), sealed.stdout, "--passphrase-file", path("wrong"));
    expect(wrong).toMatchObject({ code: 1, stdout: Buffer.alloc(0) });
    expect(wrong.stderr).toMatch(/^tinymls: the passphrase does not open .*\n$/);
    expect(await open(path("locked"), sealed.stdout)).toMatchObject({ code: 2, stdout: Buffer.alloc(0) });
  });

  test("without a name it is the default key, which seal and open use", async () => {
    const env = { XDG_CONFIG_HOME: path("configuration") };
    expect(await tinymls(["keygen"], { env })).toMatchObject({ code: 0, stderr: "" });
    expect(existsSync(path("configuration/tinymls/default.key"))).toBe(true);
    expect(statSync(path("configuration/tinymls")).mode & 0o777).toBe(0o700);
    expect(await tinymls(["keygen"], { env })).toMatchObject({ code: 3 });
    const sealed = await tinymls(["seal"], { env, input: "text" });
    expect((await tinymls(["open"], { env, input: sealed.stdout })).stdout.toString()).toBe("text");
    const named = { TINYMLS_KEY_FILE: path("configuration/tinymls/default.key") };
    expect((await tinymls(["open"], { env: named, input: sealed.stdout })).stdout.toString()).toBe("text");
    const elsewhere = await tinymls(["open"], { env: { XDG_CONFIG_HOME: path("other") }, input: sealed.stdout });
    expect(elsewhere).toMatchObject({ code: 1, stdout: Buffer.alloc(0) });
  });
});

describe("key files", () => {
  test("another key is refused by its id", async () => {
    await Promise.all([tinymls(["keygen", path("one")]), tinymls(["keygen", path("two")])]);
    const sealed = await seal(path("one"));
    const refused = await open(path("two"), sealed.stdout);
    expect(refused).toMatchObject({ code: 1, stdout: Buffer.alloc(0) });
    expect(refused.stderr).toMatch(/^tinymls: .* was sealed with the key [0-9a-f]{16}, and .* is [0-9a-f]{16}: .*\n$/);
  });

  test("every octet of it is protected", async () => {
    await tinymls(["keygen", path("whole")]);
    const text = readFileSync(path("whole"));
    const flips = [0, 13, 20, 40, 53, 60, 100, text.length - 20, text.length - 2, text.length - 1];
    for (const at of flips) {
      const flipped = Buffer.from(text);
      flipped[at]! ^= 1;
      writeFileSync(path("flipped"), flipped, { mode: 0o600 });
      const refused = await seal(path("flipped"));
      expect({ at, code: refused.code, written: refused.stdout.length }).toEqual({ at, code: 1, written: 0 });
      expect(refused.stderr).toMatch(oneLine);
    }
    for (const wrong of [Buffer.alloc(0), text.subarray(0, 70), Buffer.concat([text, text]), Buffer.alloc(9000, "x")]) {
      writeFileSync(path("wrong"), wrong, { mode: 0o600 });
      expect(await seal(path("wrong"))).toMatchObject({ code: 1, stdout: Buffer.alloc(0) });
    }
  }, 60_000);

  test("one that others may read is used with a warning", async () => {
    await tinymls(["keygen", path("open")]);
    chmodSync(path("open"), 0o644);
    const { code, stderr } = await seal(path("open"));
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: `tinymls: others may read the key file ${path("open")}: chmod 600 ${path("open")}\n`,
    });
  });

  test("a passphrase for one that has none is a mistake", async () => {
    await tinymls(["keygen", path("bare")]);
    writeFileSync(path("passphrase"), "x\n");
    expect(await seal(path("bare"), "--passphrase-file", path("passphrase"))).toMatchObject({ code: 2 });
    expect(await seal(path("bare"), "--passphrase")).toMatchObject({ code: 2 });
  });
});
