import { TinyMlsError } from "../errors.js";
import { addon, type Bytes } from "./addon.js";
import { usage } from "./fault.js";
import { wipe } from "./memory.js";
import { Secret, secretOf } from "./secret.js";

interface PasswordCalls {
  argon2id(
    passphrase: Bytes,
    salt: Bytes,
    memoryKiB: number,
    passes: number,
    lanes: number,
    length: number,
  ): Promise<number> | number;
}
const native = addon<PasswordCalls>();

/** The salt and the costs of `argon2id`. They are stored beside what the derived key protects. */
export interface Argon2Options {
  /** At least 8 octets, 16 random ones by custom. */
  readonly salt: Bytes;
  /** At least 8 for each lane, at most 2^22. Default 65536, which is 64 MiB. */
  readonly memoryKiB?: number;
  /** 1 to 65536. Default 3. */
  readonly passes?: number;
  /** 1 to 255. Default 1. */
  readonly lanes?: number;
  /** Octets of the result, 4 to 1024. Default 32. */
  readonly length?: number;
}

/**
 * A key from a passphrase by Argon2id (RFC 9106 version 1.3), off the event loop. By OpenSSL 3.2 or newer; with an older one
 * (Node 20) by the optional peer dependency `argon2`, which aborts the process when a worker thread is terminated meanwhile.
 *
 * @param passphrase bytes, or text that is taken as UTF-8 as it is, without normalisation
 * @throws TinyMlsError `usage` for a salt, cost or length out of range; `config` where neither implementation is there
 */
export async function argon2id(passphrase: Bytes | string, options: Argon2Options): Promise<Secret> {
  if (typeof options !== "object" || options === null) throw usage("argon2id", "the options name at least a salt");
  const { salt, memoryKiB = 65536, passes = 3, lanes = 1, length = 32 } = options;
  const octets = typeof passphrase === "string" ? Buffer.from(passphrase) : passphrase;
  try {
    const answer = await native.argon2id(octets, salt, memoryKiB, passes, lanes, length);
    if (answer !== notOffered) return secretOf(answer, "argon2id");
    return await byPeer(octets, { salt, memoryKiB, passes, lanes, length });
  } finally {
    if (typeof passphrase === "string") wipe(octets);
  }
}

const notOffered = -3;

// OpenSSL checked the arguments before it answered that it has no Argon2id.
async function byPeer(passphrase: Bytes, options: Required<Argon2Options>): Promise<Secret> {
  const { hash, argon2id: type } = await peer();
  const derived = await hash(Buffer.from(passphrase.buffer, passphrase.byteOffset, passphrase.byteLength), {
    type,
    raw: true,
    salt: Buffer.from(options.salt),
    memoryCost: options.memoryKiB,
    timeCost: options.passes,
    parallelism: options.lanes,
    hashLength: options.length,
  });
  try {
    return Secret.from(derived);
  } finally {
    wipe(derived);
  }
}

async function peer() {
  try {
    return await import("argon2");
  } catch (cause) {
    const message =
      "argon2id: this Node's OpenSSL has no Argon2id; install the package argon2 (npm install argon2@0.44.0), or use Node 22";
    throw new TinyMlsError("config", message, { operation: "argon2id", component: "native", cause });
  }
}
