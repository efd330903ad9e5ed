import { randomBytes as publicRandom } from "node:crypto";
import { Context } from "../context/index.js";
import type { ContextSuite } from "../context/index.js";
import { hmac, hmacVerify } from "../native/hash.js";
import { hkdf } from "../native/kdf.js";
import type { Secret } from "../native/secret.js";
import { costs, costsAcceptable, type Argon2Costs } from "../storage/vault/argon2-costs.js";
import { CliError } from "./exit.js";

/**
 * Sealed files, version 1: a header of 88 octets, then a stream of a Context, whose associated data is the header.
 *
 *     0  7   "tinymls"
 *     7  1   version, 1
 *     8  1   suite: 1 AES-128-GCM, 2 AES-256-GCM, 3 CHACHA20-POLY1305
 *     9  1   kind of key: 1 a key file, 2 a passphrase
 *    10  2   zero
 *    12  4   octets of plaintext in a chunk, big endian as all numbers
 *    16  32  salt
 *    48  8   the id of the key; or of Argon2id 4 memory in KiB, 2 passes, 2 lanes
 *    56  32  HMAC-SHA256 of what is before, which also commits to the key
 *
 * The key, of the key file or by Argon2id with the salt, goes through HKDF-Extract with the salt; Expand-Label (RFC 8446 §7.1) gives the key
 * of the HMAC and the secret of the Context, which has one epoch of one step.
 */
export const headerLength = 88;
const macAt = 56;
const magic = Buffer.from("tinymls\x01", "latin1");
const magicLength = 7;
export const chunkSize = 256 * 1024;
const largestChunk = 16 * 1024 * 1024;
const saltLength = 32;
const none = new Uint8Array(0);
const year = 365 * 24 * 60 * 60 * 1000;

const suites: readonly (ContextSuite | undefined)[] = [undefined, "AES-128-GCM", "AES-256-GCM", "CHACHA20-POLY1305"];

const kinds = { keyFile: 1, passphrase: 2 } as const;

export interface Header {
  readonly suite: ContextSuite;
  readonly chunkSize: number;
  readonly salt: Buffer;
  /** What opens it: the key of this id, or a passphrase. */
  readonly key: { readonly id: string } | { readonly argon2id: Argon2Costs };
  /** All octets. */
  readonly octets: Buffer;
}

/** A header that lacks its HMAC, which needs the key that the salt leads to. */
export function newHeader(suite: ContextSuite, id: string | undefined): Header {
  const octets = Buffer.alloc(headerLength);
  magic.copy(octets);
  octets[8] = suites.indexOf(suite);
  octets[9] = id === undefined ? kinds.passphrase : kinds.keyFile;
  octets.writeUInt32BE(chunkSize, 12);
  const salt = publicRandom(saltLength);
  salt.copy(octets, 16);
  if (id === undefined) {
    octets.writeUInt32BE(costs.memoryKiB, 48);
    octets.writeUInt16BE(costs.passes, 52);
    octets.writeUInt16BE(costs.lanes, 54);
  } else {
    octets.write(id, 48, "hex");
  }
  return { suite, chunkSize, salt, key: id === undefined ? { argon2id: costs } : { id }, octets };
}

/** Reads a header. Nothing of it is authentic before `verifyHeader`. */
export function decodeHeader(octets: Buffer, name: string): Header {
  if (octets.byteLength === 0) throw new CliError("failed", `${name} is empty`, "name a file that tinymls seal wrote");
  // A printable character is no version: text may begin like this, a key file does.
  const known = octets.subarray(0, magicLength).equals(magic.subarray(0, magicLength));
  if (!known || octets[magicLength]! >= 0x20) {
    throw new CliError("failed", `${name} was not sealed by tinymls`, "name a file that tinymls seal wrote");
  }
  if (octets.byteLength < headerLength) throw damaged(name, "it ends inside its header");
  if (octets[magicLength] !== magic[magicLength]) {
    throw new CliError("failed", `${name} is of format version ${octets[magicLength]}`, "open it with a newer tinymls");
  }
  const suite = suites[octets[8]!];
  const size = octets.readUInt32BE(12);
  const kind = octets[9];
  if (suite === undefined || octets.readUInt16BE(10) !== 0 || size < 1 || size > largestChunk) throw wrongHeader(name);
  if (kind !== kinds.keyFile && kind !== kinds.passphrase) throw wrongHeader(name);
  const key = kind === kinds.keyFile ? { id: octets.toString("hex", 48, macAt) } : { argon2id: costsOf(octets, name) };
  return { suite, chunkSize: size, salt: octets.subarray(16, 48), key, octets };
}

function costsOf(octets: Buffer, name: string): Argon2Costs {
  const [passes, lanes] = [octets.readUInt16BE(52), octets.readUInt16BE(54)];
  const read = { memoryKiB: octets.readUInt32BE(48), passes, lanes };
  if (!costsAcceptable(read)) throw wrongHeader(name);
  return read;
}

export function damaged(name: string, why: string): CliError {
  return new CliError("failed", `${name} is damaged, ${why}`, "get it again from where it was sealed");
}

function wrongHeader(name: string): CliError {
  return damaged(name, "its header is not valid");
}

/** The keys of one sealed file. */
export class FileKeys {
  readonly #extracted: Secret;
  readonly #header: Header;

  /** @param key of the key file, or from the passphrase; stays the caller's */
  constructor(header: Header, key: Secret) {
    this.#header = header;
    this.#extracted = hkdf.extract("SHA-256", header.salt, key);
  }

  #derive(label: string): Secret {
    return hkdf.expandLabel("SHA-256", this.#extracted, `tinymls file ${label}`, none, 32, "tls13");
  }

  /** Writes the HMAC into the header. */
  signHeader(): void {
    using key = this.#derive("header");
    const { octets } = this.#header;
    hmac("SHA-256", key, octets.subarray(0, macAt)).copy(octets, macAt);
  }

  /** Whether this key made the HMAC of the header. */
  verifyHeader(): boolean {
    using key = this.#derive("header");
    const { octets } = this.#header;
    return hmacVerify("SHA-256", key, octets.subarray(macAt), octets.subarray(0, macAt));
  }

  /** The Context of the chunks: its time stands still, so that a file can be opened at any pace, whenever. */
  context(): Context {
    using secret = this.#derive("stream");
    return new Context({
      secret,
      suite: this.#header.suite,
      ratchetPeriod: 0,
      stateLifetime: year,
      minKeyRotation: year,
      maxKeyAge: year,
      maxEpochSkip: 0,
    });
  }

  [Symbol.dispose](): void {
    this.#extracted.dispose();
  }
}
