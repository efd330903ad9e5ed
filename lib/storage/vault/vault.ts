import { inspect } from "node:util";
import { isUint8Array } from "node:util/types";
import { TinyMlsError } from "../../errors.js";
import type { AeadCipher } from "../../native/aead.js";
import type { Bytes } from "../../native/addon.js";
import type { OpenedBundle } from "../../native/bundle.js";
import { Owned } from "../../native/owned.js";
import { randomBytes } from "../../native/random.js";
import { Secret, type Sealable } from "../../native/secret.js";
import { MemoryStorage } from "../memory.js";
import type { Storage } from "../port.js";
import { vaultError } from "./faults.js";
import {
  dataKeyLength,
  idRecord,
  keysRecord,
  openDataKey,
  readKeyRecord,
  sealDataKey,
  vaultIdLength,
} from "./key-record.js";
import { SessionKeys, sessionIdLength } from "./session-keys.js";
import { newLock, storageKeyOf, type StorageKeySource } from "./storage-key.js";

/*
 * A sealed record, version 1:
 *
 *     1   version
 *     16  id of the session that sealed it: one opening of a vault
 *     8   counter of that session
 *     n   ciphertext of AES-256-GCM
 *     16  tag
 *
 * key = HKDF-Expand-Label(data key, "tinymls session", session id, 32), nonce = 4 zero octets and the counter (SP 800-38D §8.2.1),
 * associated data = the record's version in 8 octets and its name. A process that dies takes its counter along: the next one has another
 * session.
 */
const formatVersion = 1;
const sessionAt = 1;
const counterAt = sessionAt + sessionIdLength;
const headLength = counterAt + 8;
const tagLength = 16;
const sealsOfSession = 2 ** 32;

/** Octets that sealing adds. */
export const sealedOverhead = headLength + tagLength;

/** One of the ways in which a cipher opens a record. */
type Opening<T> = (cipher: AeadCipher, nonce: Bytes, aad: Bytes, text: Bytes) => T;
const openSecret: Opening<Secret> = (cipher, nonce, aad, text) => cipher.openSecret(nonce, aad, text);
const openBundle: Opening<OpenedBundle> = (cipher, nonce, aad, text) => cipher.openBundle(nonce, aad, text);
const openPublic: Opening<Buffer> = (cipher, nonce, aad, text) => cipher.open(nonce, aad, text);

interface Stored {
  readonly id: Buffer;
  readonly keys: Buffer;
  /** Of `keys`. */
  readonly revision: number;
}

interface Opened {
  readonly id: Buffer;
  readonly dataKey: Secret;
}

interface Session {
  readonly id: Buffer;
  readonly cipher: AeadCipher;
  counter: number;
}

/**
 * Seals what is secret before it reaches a storage. A random data key seals the records; it is stored sealed under the storage key, so
 * that a new storage key rewraps one record.
 */
export class Vault implements Disposable {
  readonly storage: Storage;
  readonly #id: Buffer;
  #keys: SessionKeys | undefined;
  #session: Session | undefined;

  private constructor(storage: Storage, { id, dataKey }: Opened) {
    this.storage = storage;
    this.#id = id;
    this.#keys = new SessionKeys(dataKey);
  }

  /**
   * Opens the vault of a storage, and makes one where there is none.
   *
   * @param source undefined, for a `MemoryStorage` alone: a fresh key that lives as long as it
   * @throws TinyMlsError with `path` `vault/keys` or `vault/id`: `undecryptable` for a wrong storage key and for a changed record,
   *   `malformed`, `missing`, `config` for a source of another kind than the one that locked it, `storage` when a KMS fails
   */
  static async open(storage: Storage, source: StorageKeySource | undefined): Promise<Vault> {
    for (let tries = 1; ; ++tries) {
      const found = await stored(storage);
      if (source === undefined) return new Vault(storage, ofMemory(storage, found));
      if (found !== undefined) return new Vault(storage, await unlocked(found, source));
      try {
        return new Vault(storage, await created(storage, source));
      } catch (error) {
        // Another process made the vault meanwhile, unless what is there is not found by the next look either.
        if (!(error instanceof TinyMlsError && error.code === "conflict")) throw error;
        if (tries === 3) throw vaultError("malformed", `${keysRecord} is stored and not listed`, keysRecord);
      }
    }
  }

  /**
   * Puts the data key under another storage key. Vaults that are open, in any process, go on; from now on opening one takes `source`. What
   * was sealed stays as it is: whoever had the old storage key and a copy of the storage could have read the data key.
   *
   * @throws TinyMlsError `conflict` when another process changed it at the same time
   */
  async changeStorageKey(source: StorageKeySource): Promise<void> {
    const { dataKey } = this.#open("Vault.changeStorageKey");
    using kept = dataKey.clone(); // the vault may be closed meanwhile
    const found = await stored(this.storage);
    if (found !== undefined && !found.id.equals(this.#id)) {
      throw vaultError("invalid", `${idRecord} is of another vault`, idRecord, { operation: "Vault.changeStorageKey" });
    }
    const { lock, storageKey } = await newLock(source);
    using owned = new Owned();
    const value = sealDataKey(this.#id, lock, owned.add(storageKey), kept);
    const keys = { put: keysRecord, value, revision: found?.revision ?? 0 };
    await this.storage.write(found ? [keys] : [keys, { put: idRecord, value: this.#id, revision: 0 }]);
  }

  /**
   * Seals the parts, one after the other, as the record `name`. Secrets among them do not enter JavaScript.
   *
   * @param version what `open` is given, 0 to 2^53 - 1: an older value under the same name does not open as a newer one
   * @returns the octets to store, `sealedOverhead` more than the parts
   */
  seal(name: string, version: number, parts: readonly (Sealable | Bytes)[]): Buffer {
    const keys = this.#open("Vault.seal");
    const session = this.#sessionOf(keys);
    const aad = binding("Vault.seal", name, version);
    const only = Array.isArray(parts) && parts.length === 1 && isUint8Array(parts[0]) ? parts[0] : undefined;
    using joined = only === undefined ? Secret.concat(parts) : undefined;
    const plaintext = only ?? joined!;
    const record = Buffer.allocUnsafe(sealedOverhead + plaintext.byteLength);
    record[0] = formatVersion;
    record.set(session.id, sessionAt);
    writeCount(record, counterAt, session.counter++);
    session.cipher.sealInto(record.subarray(headLength), nonceOf(record), aad, plaintext);
    return record;
  }

  /**
   * The plaintext of a sealed record, in native memory.
   *
   * @throws TinyMlsError with the name in `path`: `malformed` for what is no sealed record, `undecryptable` for one that was changed, or
   *   sealed under another name, version or data key
   */
  open(name: string, version: number, octets: Bytes): Secret {
    return this.#opened("Vault.open", name, version, octets, openSecret);
  }

  /** @internal As `open`, for a record in which secrets stand behind octets that are none. */
  openBundle(name: string, version: number, octets: Bytes): OpenedBundle {
    return this.#opened("Vault.openBundle", name, version, octets, openBundle);
  }

  /** As `open`, for a record that holds nothing secret: its plaintext in JavaScript, at less cost. */
  openPublic(name: string, version: number, octets: Bytes): Buffer {
    return this.#opened("Vault.openPublic", name, version, octets, openPublic);
  }

  /** @internal The same, into an array of `sealedOverhead` octets less than the record has. */
  openPublicInto(out: Bytes, name: string, version: number, octets: Bytes): void {
    this.#opened("Vault.openPublicInto", name, version, octets, (cipher, nonce, aad, text) => {
      cipher.openInto(out, nonce, aad, text);
    });
  }

  /** Wipes the keys. The storage stays open. Closing twice is closing once. */
  close(): void {
    this.#session?.cipher.dispose();
    this.#session = undefined;
    this.#keys?.dispose();
    this.#keys = undefined;
  }

  /** `close`. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** Always throws: a vault does not belong in JSON. */
  toJSON(): never {
    throw vaultError("usage", "a Vault cannot be serialised", undefined, { operation: "Vault.toJSON" });
  }

  /** Whether it is open, nothing of its keys. */
  [inspect.custom](): string {
    return `Vault { ${this.#keys === undefined ? "closed" : "open"} }`;
  }

  #open(operation: string): SessionKeys {
    if (this.#keys === undefined) throw vaultError("closed", "the vault is closed", undefined, { operation });
    return this.#keys;
  }

  #opened<T>(operation: string, name: string, version: number, octets: Bytes, open: Opening<T>): T {
    const keys = this.#open(operation);
    const aad = binding(operation, name, version);
    if (!isUint8Array(octets) || octets.byteLength < sealedOverhead || octets[0] !== formatVersion)
      throw vaultError("malformed", `${name} is no sealed record`, name);
    const nonce = nonceOf(octets);
    const text = octets.subarray(headLength);
    try {
      const last = keys.last(octets, sessionAt);
      if (last !== undefined) return open(last, nonce, aad, text);
      return keys.with(octets.subarray(sessionAt, counterAt), (cipher) => open(cipher, nonce, aad, text));
    } catch (error) {
      if (error instanceof TinyMlsError && error.code === "undecryptable")
        throw vaultError("undecryptable", `${name} was changed, or is not the record that was expected`, name);
      if (error instanceof TinyMlsError && error.code === "malformed")
        throw vaultError("malformed", `${name} is authentic and holds something else`, name);
      throw error;
    }
  }

  #sessionOf(keys: SessionKeys): Session {
    if (this.#session !== undefined && this.#session.counter < sealsOfSession) return this.#session;
    this.#session?.cipher.dispose();
    return (this.#session = { ...keys.create(), counter: 0 });
  }
}

function binding(operation: string, name: string, version: number): Buffer {
  if (typeof name !== "string" || !Number.isSafeInteger(version) || version < 0) {
    const message = "a record has a name, and a version from 0 to 2^53 - 1";
    throw vaultError("usage", message, undefined, { operation });
  }
  const aad = Buffer.allocUnsafe(8 + Buffer.byteLength(name));
  writeCount(aad, 0, version);
  aad.write(name, 8);
  return aad;
}

// Not of V8's own heap, which would have to move a small array for the addon. Each call has done with it when it returns.
const nonce = Buffer.allocUnsafeSlow(12).fill(0);

function nonceOf(record: Bytes): Bytes {
  for (let i = 0; i < 8; ++i) nonce[4 + i] = record[counterAt + i]!;
  return nonce;
}

function writeCount(out: Buffer, at: number, count: number): void {
  out.writeUInt32BE(Math.floor(count / 2 ** 32), at);
  out.writeUInt32BE(count >>> 0, at + 4);
}

/** What is stored of a vault; undefined where there is none. */
async function stored(storage: Storage): Promise<Stored | undefined> {
  // One look at both, so that a vault that is being made is seen whole or not at all.
  const { records } = await storage.list("vault/", { limit: 1000 });
  const id = records.find(({ key }) => key === idRecord);
  const keys = records.find(({ key }) => key === keysRecord);
  if (id === undefined && keys === undefined) return undefined;
  if (id === undefined) throw vaultError("missing", `${idRecord} is missing`, idRecord, { retryable: false });
  if (keys === undefined) throw vaultError("missing", `${keysRecord} is missing`, keysRecord, { retryable: false });
  if (id.value.byteLength !== vaultIdLength) throw vaultError("malformed", `${idRecord} is damaged`, idRecord);
  return { id: id.value, keys: keys.value, revision: keys.revision };
}

async function unlocked({ id, keys }: Stored, source: StorageKeySource): Promise<Opened> {
  const record = readKeyRecord(keys);
  using storageKey = await storageKeyOf(source, record.header.lock);
  return { id, dataKey: openDataKey(record, id, storageKey) };
}

async function created(storage: Storage, source: StorageKeySource): Promise<Opened> {
  using owned = new Owned();
  const id = randomBytes(vaultIdLength);
  const dataKey = owned.add(Secret.random(dataKeyLength));
  const { lock, storageKey } = await newLock(source);
  const value = sealDataKey(id, lock, owned.add(storageKey), dataKey);
  await storage.write([
    { put: idRecord, value: id, revision: 0 },
    { put: keysRecord, value, revision: 0 },
  ]);
  return { id, dataKey: dataKey.clone() };
}

const ofMemories = new WeakMap<MemoryStorage, Opened>();

function ofMemory(storage: Storage, found: Stored | undefined): Opened {
  if (found !== undefined) throw vaultError("config", "what is stored is sealed: name its storage key", keysRecord);
  if (!(storage instanceof MemoryStorage))
    throw vaultError("config", "a storage that outlives the process needs a storage key");
  let own = ofMemories.get(storage);
  if (own === undefined) {
    own = { id: randomBytes(vaultIdLength), dataKey: Secret.random(dataKeyLength) };
    ofMemories.set(storage, own);
  }
  return { id: own.id, dataKey: own.dataKey.clone() };
}
