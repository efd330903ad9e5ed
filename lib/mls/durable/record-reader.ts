import type { TinyMlsError } from "../../errors.js";
import { storageLimits, type Storage, type StoredRecord } from "../../storage/port.js";
import { pages } from "./pages.js";
import type { LogEntry } from "./record-index.js";
import { recordFault, versionOf } from "./stored-record.js";

const headName = "head";
/** Not listed: of whoever wants to hold the records. */
const leaseName = "lease";

/** What is stored of a set of records: read as it is asked for, or ahead. */
export class RecordReader {
  readonly headKey: string;
  readonly leaseKey: string;
  readonly #storage: Storage;
  readonly #prefix: string;
  #ahead: ReadonlyMap<string, StoredRecord> | undefined;

  /** @param prefix of all keys, with the slash */
  constructor(storage: Storage, prefix: string) {
    this.headKey = prefix + headName;
    this.leaseKey = prefix + leaseName;
    this.#storage = storage;
    this.#prefix = prefix;
  }

  /** Reads all records, in as few calls as there can be. Until `forgetAhead` they are what there is. */
  async readAhead(): Promise<ReadonlyMap<string, StoredRecord>> {
    return (this.#ahead = await this.list());
  }

  forgetAhead(): void {
    this.#ahead = undefined;
  }

  async list(): Promise<Map<string, StoredRecord>> {
    const all = new Map<string, StoredRecord>();
    for await (const page of pages(this.#storage, this.#prefix)) {
      for (const record of page) all.set(record.key, record);
    }
    return all;
  }

  async get(key: string): Promise<StoredRecord | undefined> {
    return this.#ahead === undefined ? this.#storage.get(key) : this.#ahead.get(key);
  }

  /** The head as it is now, whatever was read ahead. */
  head(): Promise<StoredRecord | undefined> {
    return this.#storage.get(this.headKey);
  }

  /** Whether all that was read ahead is still as it was; where nothing was, whether the head is of this revision. */
  async isUnchanged(headRevision: number): Promise<boolean> {
    if (this.#ahead === undefined) return ((await this.head())?.revision ?? 0) === headRevision;
    const now = await this.list();
    const ahead = this.#ahead;
    return now.size === ahead.size && [...now].every(([key, { revision }]) => ahead.get(key)?.revision === revision);
  }

  /** The record, if it is of this version as far as it says. */
  async record(key: string, version: number, headVersion: number): Promise<StoredRecord> {
    const found = await this.get(key);
    if (found === undefined) throw recordFault("missing", key, "is missing");
    const stored = versionOf(found);
    if (stored > version && stored > headVersion) {
      throw recordFault("undecryptable", this.headKey, "is older than what it lists");
    }
    if (stored < version) throw recordFault("undecryptable", key, "was put back to an older state");
    return found;
  }

  /** The entries of a log that are listed, the oldest first. */
  async eachEntry(log: string, { first, end }: LogEntry, use: (key: string, value: Buffer) => void): Promise<void> {
    for (let at = first; at < end;) {
      const page = await this.#storage.read(log, at, storageLimits.page);
      if (page.end > end) throw this.moved();
      if (page.first > at || page.entries.length === 0) throw recordFault("missing", `${log}/${at}`, "is missing");
      for (const { position, value } of page.entries) use(`${log}/${position}`, value);
      at += page.entries.length;
    }
  }

  moved(): TinyMlsError {
    return recordFault("conflict", this.headKey, "was changed by another writer");
  }
}
