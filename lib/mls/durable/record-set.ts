import { TinyMlsError, type ErrorCode } from "../../errors.js";
import { storageLimits, type StoredRecord, type WriteOptions, type WriteStep } from "../../storage/port.js";
import type { Vault } from "../../storage/vault/vault.js";
import type { NewRecord, RecordChanges } from "./record-changes.js";
import { decodeIndex, encodeIndex, type LogEntry, type RecordEntry, type RecordIndex } from "./record-index.js";
import { bodyOf, disposeAll, octetsOf, partsOf, type OpenedBody } from "./sealed-body.js";

/*
 * Sealed records that belong together. Their head lists each with the version that it was sealed at, and every write puts the head anew, if
 * it is as this writer knows it: so writers never mix, and a record that was swapped, put back or lost is recognised by name.
 *
 *     6   version: of the write that put the record
 *     n   the sealed body, with the record's key and version as associated data
 */
const prefixLength = 6;
const headName = "head";
/** Room for the steps that are not about these records. */
const mostSteps = storageLimits.steps - 16;
const mostOctets = storageLimits.writeLength - 2 ** 20;

/** A write that is ready to be made: together with others, if wanted. */
export interface PreparedWrite {
  readonly steps: readonly WriteStep[];
  /** To be called with the revision, once the steps were written. */
  readonly written: (revision: number) => void;
}

export class RecordSet {
  /** Of all keys, with the slash. */
  readonly prefix: string;
  readonly #vault: Vault;
  #version = 0;
  #revision = 0;
  #index: RecordIndex = { info: Buffer.alloc(0), records: new Map(), logs: new Map() };
  /** Keys of records that are not listed any more and may still be there. */
  #orphans = new Set<string>();
  /** Read ahead, by key. */
  #found: Map<string, StoredRecord> | undefined;

  constructor(vault: Vault, prefix: string) {
    this.#vault = vault;
    this.prefix = prefix;
  }

  get headKey(): string {
    return this.prefix + headName;
  }

  get exists(): boolean {
    return this.#revision > 0;
  }

  get info(): Buffer {
    return this.#index.info;
  }

  /** Of the head, in the storage. */
  get revision(): number {
    return this.#revision;
  }

  has(name: string): boolean {
    return this.#index.records.has(name);
  }

  /** Names of records, in the order in which they came. */
  names(start = ""): string[] {
    return [...this.#index.records.keys()].filter((name) => name.startsWith(start));
  }

  log(name: string): LogEntry {
    return this.#index.logs.get(name) ?? { first: 0, end: 0 };
  }

  /**
   * Reads what is listed now; false where there is nothing.
   * @throws TinyMlsError with the key of the head in `path`
   */
  async refresh(): Promise<boolean> {
    this.#found = undefined;
    const found = await this.#vault.storage.get(this.headKey);
    if (found === undefined) {
      this.#revision = 0;
      this.#index = { ...this.#index, records: new Map(), logs: new Map() };
      return false;
    }
    const version = versionOf(found);
    this.#index = decodeIndex(this.#openPublic(this.headKey, version, found), this.headKey);
    this.#version = version;
    this.#revision = found.revision;
    return true;
  }

  /** For a head that cannot be read: what is written next replaces all that there is. */
  async abandon(): Promise<void> {
    const found = await this.#vault.storage.get(this.headKey);
    this.#index = { info: Buffer.alloc(0), records: new Map(), logs: new Map() };
    this.#version = found === undefined ? 0 : Math.max(this.#version, versionOf(found));
    this.#revision = found?.revision ?? 0;
    await this.#noteOrphans();
  }

  /** Reads all records ahead, in as few calls as there can be. */
  async readAhead(): Promise<void> {
    const records = await this.#list();
    const head = records.get(this.headKey);
    if ((head?.revision ?? 0) !== this.#revision) throw this.#moved();
    this.#found = records;
    this.#orphans = this.#unlisted(records.keys());
  }

  /** Ends what `readAhead` began. */
  forgetAhead(): void {
    this.#found = undefined;
  }

  /** @throws TinyMlsError `missing`, `undecryptable` or `malformed` with the key in `path` */
  async read(name: string): Promise<OpenedBody> {
    const key = this.prefix + name;
    const { version } = this.#entry(name);
    return bodyOf(this.#vault.open(key, version, sealedOf(await this.#record(key, version))));
  }

  /** The octets of a record in chunks. */
  async readLarge(name: string): Promise<Buffer> {
    const { version, chunks } = this.#entry(name);
    const parts: Buffer[] = [];
    for (let chunk = 0; chunk < chunks; chunk++) {
      const key = `${this.prefix}${name}/${chunk}`;
      parts.push(this.#openPublic(key, version, await this.#record(key, version)));
    }
    return Buffer.concat(parts);
  }

  /** All entries of a log, the oldest first. The caller disposes their secrets. */
  async readLog(name: string): Promise<OpenedBody[]> {
    const bodies: OpenedBody[] = [];
    try {
      await this.#eachEntry(name, (key, value) => bodies.push(bodyOf(this.#vault.open(key, 0, value))));
      return bodies;
    } catch (error) {
      for (const { secrets } of bodies) disposeAll(secrets);
      throw error;
    }
  }

  /** The octets of all entries of a log without secrets, the oldest first. */
  async readPublicLog(name: string): Promise<Buffer[]> {
    const entries: Buffer[] = [];
    await this.#eachEntry(name, (key, value) => entries.push(octetsOf(this.#vault.openPublic(key, 0, value))));
    return entries;
  }

  /**
   * Makes all changes, or none.
   * @param options.also steps that are done with them
   * @throws TinyMlsError `conflict` where another writer was there first; whatever the storage rejects with
   */
  async write(
    changes: RecordChanges,
    { also = [], sync }: WriteOptions & { readonly also?: readonly WriteStep[] } = {},
  ): Promise<void> {
    const { steps, written } = await this.prepare(changes);
    written(await this.#vault.storage.write([...steps, ...also], { sync }));
  }

  /** The steps of a write. What no single write could take is written before, where nothing lists it yet. */
  async prepare(changes: RecordChanges, info = this.info): Promise<PreparedWrite> {
    await this.#findLogs(changes);
    // A set that was erased and is made again has no version of before.
    const version = this.exists ? this.#version + 1 : Math.max(this.#version + 1, Date.now());
    const records = new Map(this.#index.records);
    const puts: WriteStep[] = [];
    const deletes = new Set(this.#orphans);
    const put = (name: string, record: NewRecord | undefined): void => {
      for (const key of keysOf(this.prefix, name, records.get(name))) deletes.add(key);
      records.delete(name);
      if (record === undefined) return;
      const chunks = "chunks" in record ? record.chunks.length : 0;
      records.set(name, { version, chunks });
      keysOf(this.prefix, name, { version, chunks }).forEach((key, at) => {
        const parts = "chunks" in record ? [record.chunks[at]!] : partsOf(record.body);
        deletes.delete(key);
        puts.push({ put: key, value: this.#seal(key, version, parts) });
      });
    };
    for (const [name, record] of changes.records) put(name, record);
    const logs = new Map(this.#index.logs);
    const logSteps = this.#logSteps(changes, logs);
    const index = { info: Buffer.from(info), records, logs };
    const head = {
      put: this.headKey,
      value: this.#seal(this.headKey, version, [encodeIndex(index)]),
      revision: this.#revision,
    };
    const early = await this.#writeEarly(puts);
    const room = mostSteps - 1 - puts.length + early - logSteps.length;
    const now = [...deletes].slice(0, room);
    const steps = [head, ...puts.slice(early), ...logSteps, ...now.map((key) => ({ delete: key }))];
    return {
      steps,
      written: (revision) => {
        this.#found = undefined;
        this.#version = version;
        this.#revision = revision;
        this.#index = index;
        this.#orphans = new Set([...deletes].slice(room));
      },
    };
  }

  /** The steps that delete everything but what the logs remember of their positions. */
  async prepareErasure(): Promise<PreparedWrite> {
    await this.#noteOrphans();
    const keys = [...this.#orphans, ...this.names().flatMap((name) => this.#keys(name))];
    for (let at = mostSteps; at < keys.length; at += mostSteps) {
      const some = keys.slice(at, at + mostSteps).map((key) => ({ delete: key }));
      await this.#vault.storage.write([{ check: this.headKey, revision: this.#revision }, ...some]);
    }
    const truncates = [...this.#index.logs].map(([name, { end }]) => ({ truncate: this.prefix + name, before: end }));
    const deletes = [...new Set(keys.slice(0, mostSteps))].map((key) => ({ delete: key }));
    return {
      steps: [{ delete: this.headKey, revision: this.#revision }, ...truncates, ...deletes],
      written: () => {
        this.#revision = 0;
        this.#orphans.clear();
        this.#index = { ...this.#index, records: new Map() };
      },
    };
  }

  /** Logs outlive the set: entries of one that is made again get positions that none had before. */
  async #findLogs(changes: RecordChanges): Promise<void> {
    for (const name of changes.logs()) {
      if (this.#index.logs.has(name)) continue;
      const { end } = await this.#vault.storage.read(this.prefix + name, 0, 1);
      this.#index = { ...this.#index, logs: new Map([...this.#index.logs, [name, { first: end, end }]]) };
    }
  }

  #logSteps(changes: RecordChanges, logs: Map<string, LogEntry>): WriteStep[] {
    const steps: WriteStep[] = [];
    for (const name of changes.logs()) {
      const log = this.prefix + name;
      const before = this.log(name);
      const entries = (changes.appended.get(name) ?? []).map((body, index) => {
        return this.#vault.seal(`${log}/${before.end + index}`, 0, partsOf(body));
      });
      const end = before.end + entries.length;
      const kept = changes.kept.get(name) ?? Infinity;
      const first = Math.max(changes.emptied.has(name) ? before.end : before.first, end - kept);
      if (entries.length > 0) steps.push({ append: log, entries, position: before.end });
      // A log of an abandoned set has entries that no index knows of.
      const isEmptied = changes.emptied.has(name) && before.end > 0;
      if (first > before.first || isEmptied) steps.push({ truncate: log, before: first });
      logs.set(name, { first, end });
    }
    return steps;
  }

  /** How many of the puts were written, since all of them would be too much for one write. */
  async #writeEarly(puts: readonly WriteStep[]): Promise<number> {
    const total = puts.reduce((sum, step) => sum + lengthOf(step), 0);
    if (puts.length <= mostSteps - 64 && total <= mostOctets) return 0;
    // Only chunks come in such numbers, whose keys are new with each version.
    const batches: WriteStep[][] = [];
    let room = 0;
    for (const step of puts) {
      if (batches.length === 0 || batches.at(-1)!.length >= 256 || room < lengthOf(step)) {
        batches.push([]);
        room = mostOctets / 2;
      }
      batches.at(-1)!.push(step);
      room -= lengthOf(step);
    }
    const early = batches.slice(0, -1);
    for (const batch of early) {
      // What lists them is written later, and synced.
      await this.#vault.storage.write([{ check: this.headKey, revision: this.#revision }, ...batch], { sync: false });
    }
    return early.reduce((sum, batch) => sum + batch.length, 0);
  }

  async #list(): Promise<Map<string, StoredRecord>> {
    const all = new Map<string, StoredRecord>();
    let after: string | undefined;
    do {
      const page = await this.#vault.storage.list(this.prefix, { limit: storageLimits.page, ...(after && { after }) });
      for (const record of page.records) all.set(record.key, record);
      after = page.next;
    } while (after !== undefined);
    return all;
  }

  async #noteOrphans(): Promise<void> {
    this.#orphans = this.#unlisted((await this.#list()).keys());
  }

  #unlisted(keys: Iterable<string>): Set<string> {
    const listed = new Set(this.names().flatMap((name) => this.#keys(name)));
    // What stands under "lease" belongs to whoever wants to hold these records.
    const others = [this.headKey, `${this.prefix}lease`];
    return new Set([...keys].filter((key) => !listed.has(key) && !others.includes(key)));
  }

  #keys(name: string): string[] {
    return keysOf(this.prefix, name, this.#index.records.get(name));
  }

  #entry(name: string): RecordEntry {
    const entry = this.#index.records.get(name);
    if (entry === undefined) throw fault("missing", this.prefix + name, "is missing");
    return entry;
  }

  async #eachEntry(name: string, use: (key: string, value: Buffer) => void): Promise<void> {
    const log = this.prefix + name;
    const { first, end } = this.log(name);
    for (let at = first; at < end;) {
      const page = await this.#vault.storage.read(log, at, storageLimits.page);
      if (page.end > end) throw this.#moved();
      if (page.first > at || page.entries.length === 0) throw fault("missing", `${log}/${at}`, "is missing");
      for (const { position, value } of page.entries) use(`${log}/${position}`, value);
      at += page.entries.length;
    }
  }

  /** The record, if it is of this version as far as it says. */
  async #record(key: string, version: number): Promise<StoredRecord> {
    const found = this.#found === undefined ? await this.#vault.storage.get(key) : this.#found.get(key);
    if (found === undefined) throw fault("missing", key, "is missing");
    const stored = versionOf(found);
    if (stored > version && stored > this.#version) {
      throw fault("undecryptable", this.headKey, "is older than what it lists");
    }
    if (stored < version) throw fault("undecryptable", key, "was put back to an older state");
    return found;
  }

  #openPublic(key: string, version: number, record: StoredRecord): Buffer {
    return this.#vault.openPublic(key, version, sealedOf(record));
  }

  #seal(key: string, version: number, parts: Parameters<Vault["seal"]>[2]): Buffer {
    const prefix = Buffer.allocUnsafe(prefixLength);
    prefix.writeUIntBE(version, 0, prefixLength);
    return Buffer.concat([prefix, this.#vault.seal(key, version, parts)]);
  }

  #moved(): TinyMlsError {
    return fault("conflict", this.headKey, "was changed by another writer");
  }
}

function keysOf(prefix: string, name: string, entry: RecordEntry | undefined): string[] {
  if (entry === undefined) return [];
  if (entry.chunks === 0) return [prefix + name];
  return Array.from({ length: entry.chunks }, (_, chunk) => `${prefix}${name}/${chunk}`);
}

function versionOf({ key, value }: StoredRecord): number {
  if (value.byteLength < prefixLength) throw fault("malformed", key, "is no sealed record");
  return value.readUIntBE(0, prefixLength);
}

function sealedOf({ value }: StoredRecord): Buffer {
  return value.subarray(prefixLength);
}

function lengthOf(step: WriteStep): number {
  return "put" in step ? step.value.byteLength : 0;
}

function fault(code: ErrorCode, path: string, message: string): TinyMlsError {
  const retryable = code === "conflict";
  return new TinyMlsError(code, `${path} ${message}`, { component: "storage", path, retryable });
}
