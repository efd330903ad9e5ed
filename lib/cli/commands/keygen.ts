import { randomBytes } from "node:crypto";
import { mkdir, open, rename, stat, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { wipe } from "../../native/memory.js";
import { Secret } from "../../native/secret.js";
import { CliError } from "../exit.js";
import { encodeKeyFile, keyId, keyLength } from "../../storage/vault/key-file.js";
import { defaultKeyFile } from "../keys.js";
import { parse, single } from "../options.js";
import { withPassphraseFile, withTypedPassphrase } from "../passphrase.js";
import { letGo, removeAtExit } from "../temporary.js";

/** `tinymls keygen [FILE]` */
export async function run(args: string[]): Promise<void> {
  const { values, positionals } = parse(args, {
    force: { type: "boolean", short: "f" },
    "passphrase-file": { type: "string" },
    passphrase: { type: "boolean", short: "p" },
  });
  const named = single(positionals, "file");
  const path = named ?? defaultKeyFile();
  const force = values.force ?? false;
  if (path !== "-" && !force && (await exists(path))) throw alreadyThere(path);

  const otherwise = "name a file that holds it with --passphrase-file";
  using key = Secret.random(keyLength);
  const encode = (passphrase?: Uint8Array) => encodeKeyFile(key, passphrase);
  const text = await (values["passphrase-file"] !== undefined
    ? withPassphraseFile(values["passphrase-file"], encode)
    : values.passphrase
      ? withTypedPassphrase({ what: path === "-" ? "the key" : path, otherwise }, true, encode)
      : encode());
  try {
    if (path === "-") return await print(text);
    if (named === undefined) await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await write(path, text, force);
  } finally {
    wipe(text);
  }
  console.log(`key ${keyId(key)} is in ${path}`);
}

function alreadyThere(path: string): CliError {
  return new CliError("environment", `${path} exists already`, "choose another name, or replace the key with --force");
}

async function exists(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  );
}

function print(text: Buffer): Promise<void> {
  return new Promise((resolve) => process.stdout.write(text, () => resolve()));
}

/** The file is whole, or not there; without `force` it replaces nothing, not even what appeared meanwhile. */
async function write(path: string, text: Buffer, force: boolean): Promise<void> {
  const written = force ? join(dirname(path), `.${basename(path)}.${randomBytes(6).toString("hex")}.partial`) : path;
  const file = await open(written, "wx", 0o600).catch((error: NodeJS.ErrnoException) => {
    throw error.code === "EEXIST" ? alreadyThere(path) : error;
  });
  removeAtExit(written);
  try {
    await file.writeFile(text);
    await file.sync();
    await file.close();
    if (force) await rename(written, path);
  } catch (error) {
    await unlink(written).catch(() => undefined);
    throw error;
  } finally {
    letGo(written);
  }
}
