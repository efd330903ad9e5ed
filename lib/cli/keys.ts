import { existsSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { argon2id } from "../native/password.js";
import type { Secret } from "../native/secret.js";
import { readKeyFile, type KeyFile } from "../storage/vault/key-file.js";
import { CliError } from "./exit.js";
import { withPassphraseFile, withTypedPassphrase } from "./passphrase.js";
import { newHeader, type Header } from "./sealed-file.js";
import type { ContextSuite } from "../context/index.js";

/** How the command line names a key. */
export interface KeyChoice {
  readonly keyFile: string | undefined;
  readonly passphraseFile: string | undefined;
  /** Ask for a passphrase. */
  readonly passphrase: boolean;
}

/** The file that `keygen` writes and `seal` and `open` use when none is named. */
export function defaultKeyFile(): string {
  const named = process.env["TINYMLS_KEY_FILE"];
  if (named) return named;
  const folder = process.env["XDG_CONFIG_HOME"] || join(homedir(), ".config");
  return join(folder, "tinymls", "default.key");
}

async function openKeyFile(path: string): Promise<KeyFile> {
  const file = await readKeyFile(path);
  warnOfMode(path);
  return file;
}

function warnOfMode(path: string): void {
  if (process.platform === "win32" || (statSync(path).mode & 0o077) === 0) return;
  process.stderr.write(`tinymls: others may read the key file ${path}: chmod 600 ${path}\n`);
}

/** The key of a key file, its passphrase taken from a file or asked for. */
async function unlocked(file: KeyFile, path: string, passphraseFile: string | undefined): Promise<Secret> {
  if (!file.locked) {
    if (passphraseFile === undefined) return await file.unlock();
    throw new CliError("usage", `${path} has no passphrase`, "leave --passphrase-file out");
  }
  const unlock = (passphrase: Uint8Array) => file.unlock(passphrase);
  if (passphraseFile !== undefined) return await withPassphraseFile(passphraseFile, unlock);
  return await withTypedPassphrase(
    { what: path, otherwise: "name a file that holds it with --passphrase-file" },
    false,
    unlock,
  );
}

function chosenKeyFile({ keyFile, passphraseFile, passphrase }: KeyChoice): string | undefined {
  if (keyFile !== undefined && passphrase) {
    throw new CliError("usage", "--key-file and --passphrase exclude each other", "name one of them");
  }
  if (keyFile !== undefined) return keyFile;
  if (passphrase || passphraseFile !== undefined) return undefined;
  const path = defaultKeyFile();
  return process.env["TINYMLS_KEY_FILE"] || existsSync(path) ? path : undefined;
}

/** The header of a new sealed file, and its key. */
export async function keyToSeal(choice: KeyChoice, suite: ContextSuite): Promise<{ header: Header; key: Secret }> {
  const path = chosenKeyFile(choice);
  if (path !== undefined) {
    const file = await openKeyFile(path);
    return { header: newHeader(suite, file.id), key: await unlocked(file, path, choice.passphraseFile) };
  }
  const header = newHeader(suite, undefined);
  return { header, key: await passphraseKey(choice, header, "the sealed data", true) };
}

/** The key that the header asks for. */
export async function keyToOpen(choice: KeyChoice, header: Header, name: string): Promise<Secret> {
  if (!("id" in header.key)) {
    if (choice.keyFile === undefined) return await passphraseKey(choice, header, name, false);
    throw new CliError(
      "failed",
      `${name} was sealed with a passphrase`,
      "leave --key-file out, or use --passphrase-file",
    );
  }
  const path = choice.passphrase ? undefined : (choice.keyFile ?? defaultKeyFile());
  if (path === undefined || (choice.keyFile === undefined && !existsSync(path))) {
    throw new CliError("failed", `${name} was sealed with the key ${header.key.id}`, "name its file with --key-file");
  }
  const file = await openKeyFile(path);
  if (file.id !== header.key.id) {
    const what = `${name} was sealed with the key ${header.key.id}, and ${path} is ${file.id}`;
    throw new CliError("failed", what, "name the right one with --key-file");
  }
  return await unlocked(file, path, choice.passphraseFile);
}

async function passphraseKey(choice: KeyChoice, header: Header, name: string, isNew: boolean): Promise<Secret> {
  if (!("argon2id" in header.key)) throw new Error("the header names a key");
  const options = { salt: header.salt, ...header.key.argon2id };
  const otherwise = isNew
    ? "make a key with tinymls keygen, or name a passphrase with --passphrase-file"
    : "name a file that holds it with --passphrase-file";
  const derive = (passphrase: Uint8Array) => argon2id(passphrase, options);
  if (choice.passphraseFile !== undefined) return await withPassphraseFile(choice.passphraseFile, derive);
  return await withTypedPassphrase({ what: name, otherwise }, isNew, derive);
}
