import { storageLimits, type Storage, type StoredRecord } from "../../storage/port.js";
import { eachPage } from "./pages.js";
import type { LogEntry } from "./record-index.js";
import { olderHead, recordFault } from "./stored-record.js";

const headName = "head";
/** Not listed: of whoever wants to hold the records. */
const leaseName = "lease";

/** What is stored of a set of records, as it was found: the head, and what goes with it. */
export interface FoundRecords {
  readonly head: StoredRecord | undefined;
  /** By name: the key without the prefix. */
  get(name: string): StoredRecord | undefined | Promise<StoredRecord | undefined>;
  /** Whether no one has written since. */
  isUnchanged(): Promise<boolean>;
}

/** All records, read at once. */
export interface AllRecords extends FoundRecords {
  /** By name. */
  readonly records: ReadonlyMap<string, StoredRecord>;
  readonly lease: StoredRecord | undefined;
}

/** Reads what is stored of a set of records. */
export class RecordReader {
  readonly headKey: string;
  readonly leaseKey: string;
  readonly #storage: Storage;
  readonly #prefix: string;

  /** @param prefix of all keys, with the slash */
  constructor(storage: Storage, prefix: string) {
    this.headKey = prefix + headName;
    this.leaseKey = prefix + leaseName;
    this.#storage = storage;
    this.#prefix = prefix;
  }

  // A record opens under the key that it has. So one that the storage answers in place of another must not pass for that.
  async get(key: string): Promise<StoredRecord | undefined> {
    const found = await this.#storage.get(key);
    return found?.key === key ? found : undefined;
  }

  /** The head, and the others when they are asked for. */
  async found(): Promise<FoundRecords> {
    const head = await this.get(this.headKey);
    return {
      head,
      get: (name) => this.get(this.#prefix + name),
      isUnchanged: async () => (await this.get(this.headKey))?.revision === head?.revision,
    };
  }

  /** All records, in as few calls as there can be. */
  async all(): Promise<AllRecords> {
    const records = await this.list();
    return {
      records,
      head: records.get(headName),
      lease: records.get(leaseName),
      get: (name) => records.get(name),
      isUnchanged: async () => {
        const now = await this.list();
        return (
          now.size === records.size &&
          [...now].every(([name, { revision }]) => records.get(name)?.revision === revision)
        );
      },
    };
  }

  /** By name. */
  async list(): Promise<Map<string, StoredRecord>> {
    const all = new Map<string, StoredRecord>();
    const start = this.#prefix.length;
    await eachPage(this.#storage, this.#prefix, (records) => {
      for (const record of records) {
        if (record.key.slice(0, start) === this.#prefix) all.set(record.key.slice(start), record);
      }
    });
    return all;
  }

  /** The entries of a log that are listed, as they are stored, the oldest first. */
  async entries(log: string, { first, end }: LogEntry): Promise<StoredEntry[]> {
    const all: StoredEntry[] = [];
    for (let at = first; at < end; at = first + all.length) {
      const page = await this.#storage.read(log, at, storageLimits.page);
      if (page.end > end) throw olderHead(this.headKey);
      if (page.first > at || page.entries.length === 0) throw recordFault("missing", `${log}/${at}`, "is missing");
      for (const { position, value } of page.entries) all.push({ key: `${log}/${position}`, value });
    }
    return all;
  }
}

/** An entry of a log, with the name that it is sealed under. */
export type StoredEntry = Pick<StoredRecord, "key" | "value">;
