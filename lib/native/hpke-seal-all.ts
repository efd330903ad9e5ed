import { TinyMlsError } from "../errors.js";
import { addon, type Bytes } from "./addon.js";
import { aeadTagLength } from "./algorithms.js";
import { join, joinHandles } from "./batch.js";
import { faultError, usage } from "./fault.js";
import { hpkeSuite, type HpkeSuite } from "./hpke-suite.js";
import { handleOf, Secret } from "./secret.js";

interface HpkeBatchCalls {
  hpkeSealAll(
    suite: number,
    joined: Bytes,
    lengths: Bytes,
    plaintexts: Bytes,
    plaintextLengths: Bytes,
    handles: Bytes,
  ): Promise<number | Buffer> | number | Buffer;
  wipe(bytes: Bytes): number;
}
const native = addon<HpkeBatchCalls>();

/** What a receiver needs beside its key: `enc` is the encapsulated secret. */
export interface HpkeSealed {
  readonly enc: Buffer;
  readonly ciphertext: Buffer;
}

/** One message of `hpke.sealAll`. */
export interface HpkeItem {
  readonly publicKey: Bytes;
  readonly info: Bytes;
  readonly aad: Bytes;
  readonly plaintext: Bytes | Secret;
}

const operation = "hpke.sealAll";
const nothing = new Uint8Array(0);
const mark = new Uint8Array(1);

/** `hpke.sealAll`. */
export async function sealAll(suite: HpkeSuite, items: readonly HpkeItem[]): Promise<HpkeSealed[]> {
  const { id, encLength } = hpkeSuite(suite, operation);
  if (!Array.isArray(items)) throw usage(operation, "the items are an array");
  const given = items as readonly HpkeItem[];
  const pending = start(id, given);
  const lengths = ciphertextLengths(given);
  const joined = typeof pending === "number" ? pending : await pending;
  if (typeof joined === "number") throw itemError(joined);
  let offset = 0;
  return lengths.map((length) => {
    const enc = joined.subarray(offset, (offset += encLength));
    return { enc, ciphertext: joined.subarray(offset, (offset += length)) };
  });
}

// Taken before the first wait: a secret may be disposed after it. One that goes to many in a row is asked for its length once.
function ciphertextLengths(items: readonly HpkeItem[]): number[] {
  let length = 0;
  return items.map(({ plaintext }, index) => {
    if (plaintext !== items[index - 1]?.plaintext) length = plaintext.byteLength + aeadTagLength;
    return length;
  });
}

function start(suite: number, items: readonly HpkeItem[]): Promise<number | Buffer> | number | Buffer {
  const parts: Bytes[] = [];
  const open: Bytes[] = [];
  const handles: number[] = [];
  for (const [index, { publicKey, info, aad, plaintext }] of items.entries()) {
    // An info that many have in common, such as that of a Welcome, is copied and hashed once.
    const shared = index > 0 && items[index - 1]!.info === info;
    parts.push(publicKey, shared ? mark : nothing, shared ? nothing : info, aad);
    const isHandle = plaintext instanceof Secret;
    open.push(isHandle ? nothing : plaintext);
    handles.push(isHandle ? handleOf(plaintext) : 0);
  }
  const { bytes, lengths } = join(parts, operation);
  const plain = join(open, operation);
  // Plaintexts that are bytes are joined, read by the addon and wiped before this returns.
  try {
    return native.hpkeSealAll(suite, bytes, lengths, plain.bytes, plain.lengths, joinHandles(handles));
  } finally {
    native.wipe(plain.bytes);
  }
}

// The answer is minus the fault and 256 times the number of the item, which counts from 1; 0 is for all of the call.
function itemError(answer: number): Error {
  const { code, message } = faultError(-(-answer % 256), operation);
  const number = Math.floor(-answer / 256);
  const path = number === 0 ? {} : { path: `items[${number - 1}]` };
  return new TinyMlsError(code, message, { operation, component: "native", ...path });
}
