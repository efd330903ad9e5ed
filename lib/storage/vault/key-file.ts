import { randomBytes as publicRandom } from "node:crypto";
import { open } from "node:fs/promises";
import { TinyMlsError, type ErrorCode } from "../../errors.js";
import { aead } from "../../native/aead.js";
import { hash } from "../../native/hash.js";
import { hkdf } from "../../native/kdf.js";
import { wipe } from "../../native/memory.js";
import { argon2id } from "../../native/password.js";
import { decodeSecret, Secret } from "../../native/secret.js";
import { costs, costsAcceptable, type Argon2Costs } from "./argon2-costs.js";
import { readHex, writeHex } from "./hex.js";

/**
 * Key files, version 1: lines of text, in this order.
 *
 *     tinymls key 1
 *     id <16 hex digits: names the key, tells nothing about it>
 *     created <date>
 *     key <64 hex digits>, or with a passphrase:
 *     argon2id <memory in KiB> <passes> <lanes> <32 hex digits of salt>
 *     sealed <24 hex digits of nonce, then 96 of AES-256-GCM, with the lines before as associated data>
 *     check <16 hex digits: the start of SHA-256 of the lines before>
 */
const magic = "tinymls key 1";
export const keyLength = 32;
const saltLength = 16;
const nonceLength = 12;
const tagLength = 16;
const idLength = 8;
const checkLength = 8;
const largestKeyFile = 4096;
const none = new Uint8Array(0);

function refusal(code: ErrorCode, message: string): TinyMlsError {
  return new TinyMlsError(code, message, { operation: "readKeyFile", component: "storage" });
}

/** What a key file holds, before its passphrase is known. */
export interface KeyFile {
  readonly id: string;
  /** Whether `unlock` needs a passphrase. */
  readonly locked: boolean;
  unlock(passphrase?: Uint8Array): Promise<Secret>;
}

/** The public name of a key. */
export function keyId(key: Secret): string {
  using id = hkdf.expandLabel("SHA-256", key, "tinymls key id", none, idLength, "tls13");
  return decodeSecret(id, (octets) => Buffer.from(octets).toString("hex"));
}

/** The text of a key file. The caller wipes it once it is written. */
export async function encodeKeyFile(key: Secret, passphrase?: Uint8Array): Promise<Buffer> {
  const head = `${magic}\nid ${keyId(key)}\ncreated ${new Date().toISOString().slice(0, 19)}Z\n`;
  return passphrase === undefined ? plainLines(head, key) : await lockedLines(head, key, passphrase);
}

function plainLines(head: string, key: Secret): Buffer {
  return decodeSecret(key, (octets) => finished(`${head}key `, octets));
}

async function lockedLines(head: string, key: Secret, passphrase: Uint8Array): Promise<Buffer> {
  const salt = publicRandom(saltLength);
  const text = `${head}argon2id ${costs.memoryKiB} ${costs.passes} ${costs.lanes} ${salt.toString("hex")}\n`;
  using lock = await argon2id(passphrase, { salt, ...costs });
  const nonce = publicRandom(nonceLength);
  const sealed = aead.seal("AES-256-GCM", lock, nonce, Buffer.from(text), key);
  return finished(`${text}sealed `, Buffer.concat([nonce, sealed]));
}

/** The lines so far, octets as hexadecimal digits, and the check line. */
function finished(lines: string, octets: Uint8Array): Buffer {
  const start = Buffer.from(lines);
  const checked = start.byteLength + 2 * octets.byteLength + 1;
  const text = Buffer.allocUnsafeSlow(checked + "check \n".length + 2 * checkLength);
  start.copy(text);
  writeHex(octets, text.subarray(start.byteLength));
  text.write("\n", checked - 1);
  text.write(`check ${checkOf(text.subarray(0, checked))}\n`, checked);
  return text;
}

function checkOf(lines: Uint8Array): string {
  return hash("SHA-256", lines).subarray(0, checkLength).toString("hex");
}

/** One line: its word, and where the rest of it stands. Only what is no secret becomes a string. */
class Lines {
  readonly #text: Buffer;
  readonly #name: string;
  at = 0;

  constructor(text: Buffer, name: string) {
    this.#text = text;
    this.#name = name;
  }

  damaged(why: string): TinyMlsError {
    return refusal("malformed", `${this.#name} is damaged, ${why}: restore it from a copy`);
  }

  next(word: string): Buffer {
    const end = this.#text.indexOf("\n", this.at);
    const start = this.at + word.length + 1;
    if (end < start || this.#text.toString("latin1", this.at, start) !== `${word} `) {
      throw this.damaged(`the line "${word}" is missing`);
    }
    this.at = end + 1;
    return this.#text.subarray(start, end);
  }

  startsWith(word: string): boolean {
    return this.#text.toString("latin1", this.at, this.at + word.length + 1) === `${word} `;
  }

  get before(): Buffer {
    return this.#text.subarray(0, this.at);
  }

  get ended(): boolean {
    return this.at === this.#text.byteLength;
  }
}

/** Rejects with what the file system says, or `malformed`. */
export async function readKeyFile(path: string): Promise<KeyFile> {
  const file = await open(path);
  const text = Buffer.allocUnsafeSlow(largestKeyFile);
  try {
    const { bytesRead } = await file.read(text, 0, largestKeyFile, 0);
    return decodeKeyFile(text.subarray(0, bytesRead), path);
  } finally {
    wipe(text);
    await file.close();
  }
}

/**
 * Reads a key file and wipes `text`.
 *
 * @param name for messages
 */
function decodeKeyFile(text: Buffer, name: string): KeyFile {
  try {
    const lines = new Lines(text, name);
    if (!isKeyFile(text)) {
      throw refusal("malformed", `${name} is no tinymls key file: make one with tinymls keygen`);
    }
    lines.at = magic.length + 1;
    const id = lines.next("id").toString("latin1");
    lines.next("created");
    const content = lines.startsWith("argon2id") ? lockedContent(lines, name) : plainContent(lines);
    const check = checkOf(lines.before);
    if (lines.next("check").toString("latin1") !== check) throw lines.damaged("its checksum does not match");
    if (!lines.ended) throw lines.damaged("something follows its last line");
    return { id, ...content };
  } finally {
    wipe(text);
  }
}

function isKeyFile(text: Buffer): boolean {
  return text.toString("latin1", 0, magic.length + 1) === `${magic}\n`;
}

type Content = Omit<KeyFile, "id">;

function plainContent(lines: Lines): Content {
  const key = Buffer.allocUnsafeSlow(keyLength);
  try {
    if (!readHex(lines.next("key"), key)) throw lines.damaged("the key is not of 64 hexadecimal digits");
    const secret = Secret.from(key);
    return { locked: false, unlock: () => Promise.resolve(secret) };
  } finally {
    wipe(key);
  }
}

function lockedContent(lines: Lines, name: string): Content {
  const { salt, ...used } = costsOf(lines);
  const aad = Buffer.from(lines.before);
  const sealed = Buffer.alloc(nonceLength + keyLength + tagLength);
  if (!readHex(lines.next("sealed"), sealed)) throw lines.damaged("the sealed key has a wrong length");
  return {
    locked: true,
    async unlock(passphrase = none) {
      using lock = await argon2id(passphrase, { salt, ...used });
      try {
        return aead.openSecret("AES-256-GCM", lock, sealed.subarray(0, nonceLength), aad, sealed.subarray(nonceLength));
      } catch {
        throw refusal("undecryptable", `the passphrase does not open ${name}: give the one with which it was made`);
      }
    },
  };
}

function costsOf(lines: Lines): Argon2Costs & { salt: Buffer } {
  const match = /^(\d{1,9}) (\d{1,9}) (\d{1,9}) ([0-9a-f]{32})$/.exec(lines.next("argon2id").toString("latin1"));
  if (match === null) throw lines.damaged("the costs of Argon2id are not readable");
  const [memoryKiB, passes, lanes] = [Number(match[1]), Number(match[2]), Number(match[3])];
  const read = { memoryKiB, passes, lanes };
  if (!costsAcceptable(read)) throw lines.damaged("its costs of Argon2id are out of range");
  return { ...read, salt: Buffer.from(match[4]!, "hex") };
}
