import { bundleParts, type OpenedBundle } from "../../native/bundle.js";
import type { StoredRecord, WriteStep } from "../../storage/port.js";
import type { Vault } from "../../storage/vault/vault.js";
import { earlyBatches, mostSteps } from "./early-writes.js";
import type { PreparedErasure, PreparedWrite, RecordWriteOptions } from "./prepared-write.js";
import type { RecordChanges } from "./record-changes.js";
import {
  changedParts,
  decodeHead,
  decodeRecords,
  emptyIndex,
  encodeHead,
  encodeRecords,
  entryIn,
  namesIn,
  type IndexHead,
  type IndexParts,
  type LogEntry,
  type RecordEntry,
  type RecordIndex,
} from "./record-index.js";
import { RecordReader, type FoundRecords, type StoredEntry } from "./record-reader.js";
import { RecordSnapshot, type FoundEntry } from "./record-snapshot.js";
import {
  openPublicRecord,
  openRecord,
  recordFault,
  requireEntry,
  requireVersion,
  sealRecord,
  storedNames,
  versionOf,
  type ListingHead,
} from "./stored-record.js";

/*
 * Sealed records that belong together. Their head lists each with the version that it was sealed at, by way of a part of the list where
 * there are many, and every write puts the head anew, if it is as this writer knows it: so writers never mix, and a record that was swapped,
 * put back or lost is recognised by name.
 */
/** Of a set that was written as it should be. */
const mostVersions = 2 ** 47;
/** Tries to read a head and its parts while others write. */
const mostTries = 10;

export class RecordSet {
  /** Of all keys, with the slash. */
  readonly prefix: string;
  readonly #vault: Vault;
  readonly #reader: RecordReader;
  #version = 0;
  #revision = 0;
  #index = emptyIndex;
  /** Keys of records that are not listed any more and may still be there. */
  #orphans = new Set<string>();

  constructor(vault: Vault, prefix: string) {
    this.#vault = vault;
    this.#reader = new RecordReader(vault.storage, prefix);
    this.prefix = prefix;
  }

  get headKey(): string {
    return this.#reader.headKey;
  }

  get leaseKey(): string {
    return this.#reader.leaseKey;
  }

  get exists(): boolean {
    return this.#revision > 0;
  }

  get info(): Buffer {
    return this.#index.info;
  }

  /** A step that keeps a write from being made where another writer was there meanwhile. */
  get unchanged(): WriteStep {
    return { check: this.headKey, revision: this.#revision };
  }

  has(name: string): boolean {
    return entryIn(this.#index.parts, name) !== undefined;
  }

  /** Names of records. */
  names(start: string): string[] {
    return namesIn(this.#index.parts, start);
  }

  /**
   * Reads what is listed now; false where there is nothing.
   * @throws TinyMlsError with the key of the head in `path`
   */
  async refresh(): Promise<boolean> {
    const isThere = await this.#refresh(
      () => this.#reader.found(),
      () => true,
    );
    return isThere ?? false;
  }

  /**
   * The same, and reads all that is listed; undefined where there is nothing.
   * @throws TinyMlsError with the key of what is missing or older than it is listed in `path`
   */
  readAll(): Promise<RecordSnapshot | undefined> {
    return this.#refresh(
      () => this.#reader.all(),
      async ({ records, lease }) => {
        const entries = this.#foundIn(records, lease);
        return new RecordSnapshot(this.#vault, this.prefix, { entries, lease, logs: await this.#readLogs() });
      },
    );
  }

  /** What stands beside the records, of whoever wants to hold them. */
  lease(): Promise<StoredRecord | undefined> {
    return this.#reader.get(this.leaseKey);
  }

  /** For a head that cannot be read: what is written next replaces all that there is. */
  async abandon(): Promise<void> {
    const found = await this.#reader.get(this.headKey);
    this.#index = emptyIndex;
    const claimed = found === undefined ? 0 : versionOf(found);
    // After all that there was; a damaged head may claim whatever it likes.
    this.#version = Math.max(this.#version, claimed < mostVersions ? claimed : 0, Date.now());
    this.#revision = found?.revision ?? 0;
    await this.#noteOrphans();
  }

  /** @throws TinyMlsError `missing`, `undecryptable` or `malformed` with the key in `path` */
  async read(name: string): Promise<OpenedBundle> {
    const key = this.prefix + name;
    const { version } = requireEntry(this.#index, key, name);
    const found = requireVersion(await this.#reader.get(key), this.prefix, name, version, this.#head);
    return openRecord(this.#vault, found, version);
  }

  /**
   * Makes all changes, or none.
   * @throws TinyMlsError `conflict` where another writer was there first; whatever the storage rejects with
   */
  async write(changes: RecordChanges, { also = [], claims = false, sync }: RecordWriteOptions = {}): Promise<void> {
    if (changes.isEmpty && this.#orphans.size === 0 && !claims) {
      await this.#vault.storage.write([this.unchanged, ...also], { sync });
      return;
    }
    const { steps, written } = await this.prepare(changes);
    written(await this.#vault.storage.write([...steps, ...also], { sync }));
  }

  /** The steps of a write. What no single write could take is written before, where nothing lists it yet. */
  async prepare(changes: RecordChanges, info = this.info): Promise<PreparedWrite> {
    await this.#findLogs(changes);
    // A set that was erased and is made again has no version of before.
    const version = Math.max(this.#version + 1, this.exists ? 0 : Date.now());
    const changed = new Map<string, RecordEntry | undefined>();
    const puts: WriteStep[] = [];
    const chunkPuts: WriteStep[] = [];
    const deletes = new Set(this.#orphans);
    for (const [name, record] of changes.records) {
      for (const stored of storedNames(name, entryIn(this.#index.parts, name))) deletes.add(this.prefix + stored);
      const entry = record && { version, chunks: "chunks" in record ? record.chunks.length : 0 };
      changed.set(name, entry);
      storedNames(name, entry).forEach((stored, at) => {
        const key = this.prefix + stored;
        deletes.delete(key);
        if ("chunks" in record!)
          chunkPuts.push({ put: key, value: sealRecord(this.#vault, key, version, [record.chunks[at]!]) });
        else puts.push({ put: key, value: sealRecord(this.#vault, key, version, bundleParts(record!.bundle)) });
      });
    }
    const { parts, touched } = changedParts(this.#index.parts, changed, version);
    for (const part of touched) {
      const key = this.prefix + partName(part);
      const large = parts.get(part);
      if (large?.version === version) {
        deletes.delete(key);
        puts.push({ put: key, value: sealRecord(this.#vault, key, version, [encodeRecords(large.records)]) });
      } else if ((this.#index.parts.get(part)?.version ?? 0) > 0) {
        deletes.add(key);
      }
    }
    const logs = new Map(this.#index.logs);
    const logSteps = this.#logSteps(changes, logs);
    const index: RecordIndex = { info: Buffer.from(info), parts, logs };
    const head = {
      put: this.headKey,
      value: sealRecord(this.#vault, this.headKey, version, [encodeHead(index)]),
      revision: this.#revision,
    };
    const early = await this.#writeEarly(chunkPuts, puts);
    const kept = [...puts, ...chunkPuts.slice(early)];
    const room = mostSteps - 1 - kept.length - logSteps.length;
    const now = [...deletes].slice(0, Math.max(room, 0));
    const steps = [head, ...kept, ...logSteps, ...now.map((key) => ({ delete: key }))];
    return {
      steps,
      written: (revision) => {
        this.#version = version;
        this.#revision = revision;
        this.#index = index;
        this.#orphans = new Set([...deletes].slice(now.length));
      },
    };
  }

  /** The steps that delete the head, what the logs hold, and of the records as many as one write takes. */
  async prepareErasure(): Promise<PreparedErasure> {
    await this.#noteOrphans();
    const keys = [...new Set([...this.#orphans, ...this.#listedKeys()])];
    const truncates = [...this.#index.logs].map(([name, { end }]) => ({ truncate: this.prefix + name, before: end }));
    const deletes = keys.slice(0, mostSteps - 1 - truncates.length).map((key) => ({ delete: key }));
    return {
      steps: [{ delete: this.headKey, revision: this.#revision }, ...truncates, ...deletes],
      isWhole: deletes.length === keys.length,
      written: () => {
        this.#revision = 0;
        this.#orphans.clear();
        this.#index = { ...this.#index, parts: new Map() };
      },
    };
  }

  /** Logs outlive the set: entries of one that is made again get positions that none had before. */
  async #findLogs(changes: RecordChanges): Promise<void> {
    for (const name of changes.logs.keys()) {
      if (this.#index.logs.has(name)) continue;
      const { end } = await this.#vault.storage.read(this.prefix + name, 0, 1);
      this.#index = { ...this.#index, logs: new Map([...this.#index.logs, [name, { first: end, end }]]) };
    }
  }

  #logSteps(changes: RecordChanges, logs: Map<string, LogEntry>): WriteStep[] {
    const steps: WriteStep[] = [];
    for (const [name, change] of changes.logs) {
      const log = this.prefix + name;
      const before = this.#index.logs.get(name) ?? { first: 0, end: 0 };
      const entries = change.entries.map((entry, index) => {
        return this.#vault.seal(`${log}/${before.end + index}`, 0, bundleParts(entry));
      });
      const end = before.end + entries.length;
      const first = Math.max(change.isEmptied ? before.end : before.first, end - change.most);
      if (entries.length > 0) steps.push({ append: log, entries, position: before.end });
      // A log of an abandoned set has entries that no index knows of.
      const isEmptied = change.isEmptied && before.end > 0;
      if (first > before.first || isEmptied) steps.push({ truncate: log, before: first });
      logs.set(name, { first, end });
    }
    return steps;
  }

  /** How many of the chunks were written, since all of them would be too much for one write. Their keys are new: nothing is replaced. */
  async #writeEarly(chunks: readonly WriteStep[], others: readonly WriteStep[]): Promise<number> {
    const batches = earlyBatches(chunks, others);
    for (const batch of batches) {
      // What lists them is written later, and synced.
      await this.#vault.storage.write([this.unchanged, ...batch], { sync: false });
    }
    return batches.reduce((sum, batch) => sum + batch.length, 0);
  }

  /** What the index lists, by name; notes what it does not list. */
  #foundIn(records: ReadonlyMap<string, StoredRecord>, lease: StoredRecord | undefined): Map<string, FoundEntry> {
    const head = this.#head;
    const entries = new Map<string, FoundEntry>();
    let others = records.size - (lease === undefined ? 1 : 2); // without the head
    const found = (name: string, version: number): StoredRecord => {
      others--;
      return requireVersion(records.get(name), this.prefix, name, version, head);
    };
    for (const [part, { version, records: listed }] of this.#index.parts) {
      if (version > 0) found(partName(part), version);
      for (const [name, entry] of listed) {
        const own = storedNames(name, entry).map((stored) => found(stored, entry.version));
        entries.set(name, { version: entry.version, records: own });
      }
    }
    if (others === 0) this.#orphans.clear();
    else this.#orphans = this.#unlisted(records);
    return entries;
  }

  async #noteOrphans(): Promise<void> {
    this.#orphans = this.#unlisted(await this.#reader.list());
  }

  #unlisted(records: ReadonlyMap<string, StoredRecord>): Set<string> {
    const listed = this.#listedKeys();
    const unlisted = new Set<string>();
    for (const { key } of records.values()) {
      if (!listed.has(key) && key !== this.headKey && key !== this.leaseKey) unlisted.add(key);
    }
    return unlisted;
  }

  /** All keys but that of the head. */
  #listedKeys(): Set<string> {
    const keys = new Set<string>();
    for (const [part, { version, records }] of this.#index.parts) {
      if (version > 0) keys.add(this.prefix + partName(part));
      for (const [name, entry] of records) {
        for (const stored of storedNames(name, entry)) keys.add(this.prefix + stored);
      }
    }
    return keys;
  }

  async #refresh<T, F extends FoundRecords>(
    find: () => Promise<F>,
    use: (found: F) => T | Promise<T>,
  ): Promise<T | undefined> {
    for (let tries = 1; ; tries++) {
      const found = await find();
      if (found.head === undefined) {
        this.#revision = 0;
        this.#index = { ...emptyIndex, info: this.#index.info };
        return undefined;
      }
      try {
        await this.#readIndex(found.head, found);
        return await use(found);
      } catch (error) {
        // Between the head and what it lists another process may have written.
        if (await found.isUnchanged()) throw error;
        if (tries === mostTries)
          throw recordFault("conflict", this.headKey, "is changed by other writers all the time");
      }
    }
  }

  async #readIndex(record: StoredRecord, found: FoundRecords): Promise<void> {
    const version = versionOf(record);
    const head = decodeHead(this.#openPublic(record, version), this.headKey);
    const own = { key: this.headKey, version };
    const parts = head.listed.size === 0 ? head.parts : await this.#readParts(head, found, own);
    this.#index = { info: head.info, parts, logs: head.logs };
    this.#version = version;
    this.#revision = record.revision;
  }

  /** With those that the head does not list itself, where they are not known already. */
  async #readParts(head: IndexHead, found: FoundRecords, listing: ListingHead): Promise<IndexParts> {
    const parts = new Map(head.parts);
    const read = Array.from(head.listed, async ([part, version]) => {
      const known = this.#index.parts.get(part);
      if (known?.version === version) return [part, known] as const;
      const name = partName(part);
      const record = requireVersion(await found.get(name), this.prefix, name, version, listing);
      return [part, { version, records: decodeRecords(this.#openPublic(record, version)) }] as const;
    });
    for (const [part, listed] of await Promise.all(read)) parts.set(part, listed);
    return parts;
  }

  /** The entries of the logs that have any. */
  async #readLogs(): Promise<Map<string, StoredEntry[]>> {
    const logs = new Map<string, StoredEntry[]>();
    for (const [name, log] of this.#index.logs) {
      if (log.first < log.end) logs.set(name, await this.#reader.entries(this.prefix + name, log));
    }
    return logs;
  }

  get #head(): ListingHead {
    return { key: this.headKey, version: this.#version };
  }

  #openPublic(record: StoredRecord, version: number): Buffer {
    return openPublicRecord(this.#vault, record, version);
  }
}

/** The record that lists a part which the head does not list itself. */
function partName(part: string): string {
  return `list/${part}`;
}
