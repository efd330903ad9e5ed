import { closeSync, openSync } from "node:fs";
import { open } from "node:fs/promises";
import { ReadStream } from "node:tty";
import { SecureBuffer, wipe } from "../native/memory.js";
import { CliError } from "./exit.js";

const longest = 1024;
const newline = 0x0a;
const carriageReturn = 0x0d;

/** Runs `use` with the passphrase of a file, its first line break left out. Every copy of it is wiped afterwards. */
export async function withPassphraseFile<T>(path: string, use: (passphrase: Uint8Array) => Promise<T>): Promise<T> {
  using buffer = new SecureBuffer(longest + 2);
  const file = await open(path);
  let length = 0;
  try {
    for (;;) {
      const { bytesRead } = await file.read(buffer.bytes, length, buffer.byteLength - length);
      length += bytesRead;
      if (bytesRead === 0 || length === buffer.byteLength) break;
    }
  } finally {
    await file.close();
  }
  if (buffer.bytes[length - 1] === newline) --length;
  if (buffer.bytes[length - 1] === carriageReturn) --length;
  if (length === 0) throw new CliError("environment", `${path} is empty`, "write the passphrase into it");
  if (length > longest || buffer.bytes.subarray(0, length).includes(newline)) {
    throw new CliError("environment", `${path} is no passphrase`, `it must hold one line of at most ${longest} bytes`);
  }
  return await use(buffer.bytes.subarray(0, length));
}

export interface Question {
  /** What the passphrase protects. */
  readonly what: string;
  /** What to do where there is no terminal. */
  readonly otherwise: string;
}

/** Runs `use` with a passphrase that is typed at the terminal, where it is not shown. A new one is asked for twice. */
export async function withTypedPassphrase<T>(
  question: Question,
  isNew: boolean,
  use: (passphrase: Uint8Array) => Promise<T>,
): Promise<T> {
  using first = new SecureBuffer(longest);
  const length = await ask(`Passphrase ${isNew ? "for" : "of"} ${question.what}: `, question, first.bytes);
  if (length === 0) throw new CliError("usage", "the passphrase is empty", "type one");
  if (isNew) {
    using second = new SecureBuffer(longest);
    const again = await ask("The same again: ", question, second.bytes);
    if (Buffer.compare(first.bytes.subarray(0, length), second.bytes.subarray(0, again)) !== 0) {
      throw new CliError("usage", "the two passphrases differ", "try again");
    }
  }
  return await use(first.bytes.subarray(0, length));
}

const terminalPath = process.platform === "win32" ? "\\\\.\\CON" : "/dev/tty";

/** The terminal, which is there even when both standard streams are pipes. */
function openTerminal(what: string, otherwise: string): ReadStream {
  let fd: number;
  try {
    fd = openSync(terminalPath, "r+");
  } catch {
    throw new CliError("usage", `there is no terminal to ask for the passphrase of ${what}`, otherwise);
  }
  try {
    return new ReadStream(fd);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

const keys = { interrupt: 0x03, end: 0x04, backspace: 0x08, clear: 0x15, delete: 0x7f };

/** Reads a line into `out`, and answers its length. */
async function ask(prompt: string, { what, otherwise }: Question, out: Uint8Array): Promise<number> {
  const terminal = openTerminal(what, otherwise);
  terminal.setRawMode(true); // before the prompt: what is typed at once must not be shown either
  process.stderr.write(prompt);
  let length = 0;
  try {
    return await new Promise<number>((resolve, reject) => {
      terminal.on("error", reject);
      terminal.on("data", (typed: Buffer) => {
        for (const key of typed) {
          if (key === newline || key === carriageReturn || key === keys.end) resolve(length);
          else if (key === keys.interrupt) reject(new CliError("usage", "interrupted", "no passphrase was given"));
          else if (key === keys.clear) length = 0;
          else if (key === keys.backspace || key === keys.delete) length = beforeLastCharacter(out, length);
          else if (length < out.byteLength) out[length++] = key;
        }
        wipe(typed);
      });
    });
  } finally {
    terminal.setRawMode(false);
    terminal.destroy();
    process.stderr.write("\n");
  }
}

/** The length without the last character of UTF-8. */
function beforeLastCharacter(text: Uint8Array, length: number): number {
  let end = Math.max(0, length - 1);
  while (end > 0 && (text[end]! & 0xc0) === 0x80) --end;
  return end;
}
