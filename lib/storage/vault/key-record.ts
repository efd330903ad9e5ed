import {
  decode,
  encode,
  enumeration,
  fixed,
  opaque,
  select,
  struct,
  uint16,
  uint32,
  uint8,
  type Infer,
} from "../../codec/index.js";
import { TinyMlsError } from "../../errors.js";
import { aead } from "../../native/aead.js";
import type { Bytes } from "../../native/addon.js";
import type { Secret } from "../../native/secret.js";
import { vaultError } from "./faults.js";

/** Holds the data key, sealed under the storage key. */
export const keysRecord = "vault/keys";
/** Holds the id of the vault. Written with the first `keysRecord` and never again: a store that lost one of them is no new store. */
export const idRecord = "vault/id";

export const vaultIdLength = 16;
export const dataKeyLength = 32;
export const saltLength = 32;
const formatVersion = 1;

export const LockMethod = { passphrase: 1, key: 2, kms: 3 } as const;
const lockMethod = enumeration("LockMethod", uint8, LockMethod);
const method = select("method", lockMethod, {
  passphrase: { memoryKiB: uint32, passes: uint16, lanes: uint16, salt: fixed(saltLength) },
  key: { salt: fixed(saltLength) },
  kms: { wrapped: opaque },
});

/** What the storage key is made of beside the secret of its source. */
export const Lock = struct("Lock", method);
export type Lock = Infer<typeof Lock>;

/** What is authenticated with the data key. */
const Header = struct("Header", { version: uint16, vaultId: fixed(vaultIdLength), lock: Lock });
const KeyRecord = struct("KeyRecord", { header: Header, dataKey: opaque });
export type KeyRecord = Infer<typeof KeyRecord>;

// Each lock has a salt or a key of its own, so that its storage key seals once.
const nonce = new Uint8Array(12);

/** The octets of `keysRecord`. */
export function sealDataKey(vaultId: Bytes, lock: Lock, storageKey: Secret, dataKey: Secret): Buffer {
  const header = { version: formatVersion, vaultId, lock };
  const sealed = aead.seal("AES-256-GCM", storageKey, nonce, encode(Header, header), dataKey);
  return Buffer.from(encode(KeyRecord, { header, dataKey: sealed }));
}

/** @throws TinyMlsError `malformed` for what is no such record, `storage` for one of a later version */
export function readKeyRecord(octets: Bytes): KeyRecord {
  if (octets.byteLength >= 2 && octets[0]! * 256 + octets[1]! > formatVersion) {
    const message = `${keysRecord} was written by a later version of tinymls`;
    throw vaultError("storage", message, keysRecord, { retryable: false });
  }
  let record: KeyRecord;
  try {
    record = decode(KeyRecord, octets);
  } catch (cause) {
    throw vaultError("malformed", `${keysRecord} is damaged`, keysRecord, { cause });
  }
  if (record.header.version === formatVersion) return record;
  throw vaultError("malformed", `${keysRecord} is damaged`, keysRecord);
}

/** @throws TinyMlsError `undecryptable`: a wrong storage key, a changed record or one of another vault */
export function openDataKey(record: KeyRecord, vaultId: Bytes, storageKey: Secret): Secret {
  const message = `the storage key does not open ${keysRecord}, or that is damaged`;
  if (Buffer.compare(record.header.vaultId, vaultId) !== 0) throw vaultError("undecryptable", message, keysRecord);
  try {
    return aead.openSecret("AES-256-GCM", storageKey, nonce, encode(Header, record.header), record.dataKey);
  } catch (error) {
    if (error instanceof TinyMlsError && error.code === "undecryptable")
      throw vaultError("undecryptable", message, keysRecord);
    throw error;
  }
}
