import { randomBytes } from "../../native/random.js";
import { argon2id } from "../../native/password.js";
import type { Bytes } from "../../native/addon.js";
import { hkdf } from "../../native/kdf.js";
import { SecureBuffer, wipe } from "../../native/memory.js";
import { Secret, decodeSecret } from "../../native/secret.js";
import { costs, costsAcceptable } from "./argon2-costs.js";
import { vaultError } from "./faults.js";
import { readKeyFile } from "./key-file.js";
import { keysRecord, LockMethod, saltLength, type Lock } from "./key-record.js";

/**
 * A key management service that encrypts a key of 32 octets and decrypts it again. The octets are wiped when a callback has settled: it
 * keeps no view of them. What `unwrap` resolves with is wiped too.
 */
export interface KeyManagement {
  /** Resolves with what is stored, at most 64 KiB. */
  wrap(key: Bytes): Promise<Bytes>;
  /** Resolves with the key that `wrap` was given. */
  unwrap(wrapped: Bytes): Promise<Bytes>;
}

/** Where the storage key comes from, which everything secret in a storage is sealed under. */
export type StorageKeySource =
  /** By Argon2id, 64 MiB and 3 passes. Text is taken as UTF-8. */
  | { readonly passphrase: Bytes | string }
  /** A file that `tinymls keygen` wrote, and its passphrase if it has one. */
  | { readonly keyFile: string; readonly passphrase?: Bytes | string }
  /** 32 to 1024 octets. A `Secret` stays the caller's. */
  | { readonly key: Secret | Bytes }
  | { readonly kms: KeyManagement };

const keyLength = 32;
const longestKey = 1024;
const longestWrapped = 64 * 1024;
const none = new Uint8Array(0);

const mistaken = (message: string) => vaultError("usage", message);

/** A new lock, and the storage key that it makes with the secret of its source. */
export async function newLock(source: StorageKeySource): Promise<{ lock: Lock; storageKey: Secret }> {
  const salt = randomBytes(saltLength);
  switch (methodOf(source)) {
    case LockMethod.passphrase: {
      const lock = { method: LockMethod.passphrase, ...costs, salt };
      return { lock, storageKey: await storageKeyOf(source, lock) };
    }
    case LockMethod.key: {
      const lock = { method: LockMethod.key, salt };
      return { lock, storageKey: await storageKeyOf(source, lock) };
    }
    case LockMethod.kms:
      return await wrappedKey((source as { kms: KeyManagement }).kms);
  }
}

/** The storage key of a lock. */
export async function storageKeyOf(source: StorageKeySource, lock: Lock): Promise<Secret> {
  if (methodOf(source) !== lock.method) throw otherMethod(lock);
  switch (lock.method) {
    case LockMethod.passphrase: {
      const { memoryKiB, passes, lanes, salt } = lock;
      if (!costsAcceptable(lock)) throw vaultError("malformed", `${keysRecord} is damaged`, keysRecord);
      const { passphrase } = source as { passphrase: Bytes | string };
      return await argon2id(passphrase, { memoryKiB, passes, lanes, salt, length: keyLength });
    }
    case LockMethod.key: {
      using key = await keyOf(source as Exclude<StorageKeySource, { kms: unknown }>);
      using extracted = hkdf.extract("SHA-256", lock.salt, key);
      return hkdf.expandLabel("SHA-256", extracted, "tinymls storage key", none, keyLength, "tls13");
    }
    case LockMethod.kms:
      return await unwrapped((source as { kms: KeyManagement }).kms, lock.wrapped);
  }
}

function methodOf(source: StorageKeySource): Lock["method"] {
  const given: Partial<Record<string, unknown>> = typeof source === "object" && source !== null ? { ...source } : {};
  const { passphrase, keyFile, key, kms } = given;
  const ways = [keyFile ?? passphrase, key, kms].filter((way) => way !== undefined);
  if (ways.length !== 1) throw mistaken("a storage key comes from one of passphrase, keyFile, key and kms");
  if (passphrase !== undefined && !(lengthOf(passphrase) > 0))
    throw mistaken("a passphrase is text or bytes, not empty");
  if (keyFile !== undefined) {
    if (typeof keyFile !== "string") throw mistaken("keyFile is a path");
    return LockMethod.key;
  }
  if (passphrase !== undefined) return LockMethod.passphrase;
  if (key === undefined) return checkKms(kms);
  const length = key instanceof Secret ? key.byteLength : key instanceof Uint8Array ? key.byteLength : 0;
  if (length < keyLength || length > longestKey)
    throw mistaken(`a key is a Secret or bytes, 32 to ${longestKey} of them`);
  return LockMethod.key;
}

const lengthOf = (text: unknown) =>
  typeof text === "string" ? text.length : text instanceof Uint8Array ? text.byteLength : 0;

function checkKms(kms: unknown): Lock["method"] {
  const { wrap, unwrap } = Object(kms) as Partial<KeyManagement>;
  if (typeof wrap === "function" && typeof unwrap === "function") return LockMethod.kms;
  throw mistaken("kms has the functions wrap and unwrap");
}

function otherMethod({ method }: Lock): Error {
  const ways = { 1: "a passphrase", 2: "a key or a key file", 3: "a key management service" };
  return vaultError("config", `${keysRecord} is locked by ${ways[method]}`, keysRecord);
}

/** A secret of its own. */
async function keyOf(source: Exclude<StorageKeySource, { kms: unknown }>): Promise<Secret> {
  if ("key" in source) return source.key instanceof Secret ? source.key.clone() : Secret.from(source.key);
  const { keyFile: path, passphrase } = source as { keyFile: string; passphrase?: Bytes | string };
  const file = await readKeyFile(path).catch((cause: unknown) => {
    throw vaultError("config", `the key file ${path} cannot be read`, undefined, { cause });
  });
  if (file.locked && passphrase === undefined) throw vaultError("config", `the key file ${path} has a passphrase`);
  const octets = typeof passphrase === "string" ? Buffer.from(passphrase) : passphrase;
  try {
    return await file.unlock(octets);
  } finally {
    if (typeof passphrase === "string") wipe(octets!);
  }
}

async function wrappedKey(kms: KeyManagement): Promise<{ lock: Lock; storageKey: Secret }> {
  const storageKey = Secret.random(keyLength);
  const octets = decodeSecret(storageKey, (scratch) => SecureBuffer.from(scratch));
  try {
    const wrapped: unknown = await kms.wrap(octets.bytes);
    if (!(wrapped instanceof Uint8Array) || wrapped.byteLength === 0 || wrapped.byteLength > longestWrapped)
      throw new TypeError(`wrap resolves with 1 to ${longestWrapped} bytes`);
    return { lock: { method: LockMethod.kms, wrapped: Buffer.from(wrapped) }, storageKey };
  } catch (cause) {
    storageKey.dispose();
    throw refusedByKms("wrap", cause);
  } finally {
    octets.dispose();
  }
}

async function unwrapped(kms: KeyManagement, wrapped: Bytes): Promise<Secret> {
  let octets: unknown;
  try {
    octets = await kms.unwrap(Buffer.from(wrapped));
    if (!(octets instanceof Uint8Array) || octets.byteLength !== keyLength)
      throw new TypeError(`unwrap resolves with ${keyLength} bytes`);
    return Secret.from(octets);
  } catch (cause) {
    throw refusedByKms("unwrap", cause);
  } finally {
    if (octets instanceof Uint8Array) wipe(octets);
  }
}

const refusedByKms = (step: string, cause: unknown) =>
  vaultError("storage", `the key management service did not ${step} the key of ${keysRecord}`, keysRecord, { cause });
