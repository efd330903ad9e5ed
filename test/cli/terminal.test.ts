import { afterAll, describe, expect, test } from "@jest/globals";
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { folder, program, tinymls } from "./command.js";

const { path, clean } = folder();
afterAll(clean);

// A terminal of its own for the program: types each answer when its prompt is there, and passes on what is shown. Python is
// there where the addon is compiled.
const typist = `
import os, pty, sys, json
answers = json.loads(sys.argv[1])
pid, fd = pty.fork()
if pid == 0:
    os.execv(sys.argv[2], sys.argv[2:])
shown = b""
while True:
    try:
        part = os.read(fd, 4096)
    except OSError:
        break
    if not part:
        break
    shown += part
    while answers and answers[0][0].encode() in shown:
        os.write(fd, answers.pop(0)[1].encode("latin1"))
        sys.stdout.buffer.write(shown)
        shown = b""
sys.stdout.buffer.write(shown)
sys.stdout.flush()
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
`;

function typed(answers: [prompt: string, text: string][], ...args: string[]) {
  const command = ["-c", typist, JSON.stringify(answers), process.execPath, program, ...args];
  const { status, stdout, stderr } = spawnSync("python3", command, { encoding: "utf8", timeout: 60_000 });
  return { code: status, shown: stdout, stderr };
}

describe("a passphrase at the terminal", () => {
  test("is asked for twice, is not shown, and opens", () => {
    writeFileSync(path("text"), "some text");
    const sealing = typed(
      [
        ["Passphrase for", "sesamX\x7fe\r"], // with a slip of the finger
        ["The same again", "sesame\r"],
      ],
      ...["seal", "--passphrase", path("text"), "-o", path("sealed")],
    );
    expect(sealing).toMatchObject({ code: 0, stderr: "" });
    expect(sealing.shown).toContain("Passphrase for");
    expect(sealing.shown).not.toMatch(/sesam/);

    const opening = typed([["Passphrase of", "sesame\r"]], "open", path("sealed"), "-o", path("opened"));
    expect(opening.code).toBe(0);
    expect(opening.shown).not.toMatch(/sesame/);
    expect(opening.shown).toMatch(/100% of/);
    expect(readFileSync(path("opened"), "utf8")).toBe("some text");
    const wrong = typed([["Passphrase of", "simsim\r"]], "open", path("sealed"), "-o", path("never"));
    expect(wrong.code).toBe(1);
  }, 60_000);

  test("the same passphrase from a file opens", async () => {
    writeFileSync(path("passphrase"), "sesame\n");
    const opened = await tinymls(["open", path("sealed"), "--passphrase-file", path("passphrase")]);
    expect(opened.stdout.toString()).toBe("some text");
  });

  test.each([
    [
      "two that differ",
      [
        ["for", "one\r"],
        ["again", "two\r"],
      ],
      /two passphrases differ/,
    ],
    ["an empty one", [["for", "\r"]], /passphrase is empty/],
    ["an interruption", [["for", "abc\x03"]], /interrupted/],
  ] as [string, [string, string][], RegExp][])("%s: nothing is written", (_, answers, message) => {
    const refused = typed(answers, "keygen", "--passphrase", path("key"));
    expect(refused.code).toBe(2);
    expect(refused.shown).toMatch(message);
    expect(() => readFileSync(path("key"))).toThrow(/ENOENT/);
  });

  test("sealed data is not poured onto it", () => {
    writeFileSync(path("p"), "x\n");
    const refused = typed([], "seal", path("text"), "--passphrase-file", path("p"));
    expect(refused.code).toBe(2);
    expect(refused.shown).toMatch(/does not belong on a terminal/);
  });
});
