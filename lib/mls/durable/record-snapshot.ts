import { bundleOctets, type OpenedBundle } from "../../native/bundle.js";
import { disposeSecrets } from "../../native/secret.js";
import type { StoredRecord } from "../../storage/port.js";
import type { Vault } from "../../storage/vault/vault.js";
import type { StoredEntry } from "./record-reader.js";
import { openPublicRecords, openRecord, recordFault } from "./stored-record.js";

/** What is stored of one name: all that the index lists, of the version that it says. */
export interface FoundEntry {
  readonly version: number;
  /** One, or those of its chunks. */
  readonly records: readonly StoredRecord[];
}

/** What was read of a set. */
export interface SnapshotContents {
  readonly entries: ReadonlyMap<string, FoundEntry>;
  /** Entries of the logs that have any. */
  readonly logs: ReadonlyMap<string, readonly StoredEntry[]>;
  /** What stands beside the records, of whoever wants to hold them. */
  readonly lease: StoredRecord | undefined;
}

/** All that a set of records holds, read at once and opened as it is asked for. */
export class RecordSnapshot {
  readonly #vault: Vault;
  readonly #prefix: string;
  readonly #contents: SnapshotContents;

  constructor(vault: Vault, prefix: string, contents: SnapshotContents) {
    this.#vault = vault;
    this.#prefix = prefix;
    this.#contents = contents;
  }

  get lease(): StoredRecord | undefined {
    return this.#contents.lease;
  }

  has(name: string): boolean {
    return this.#contents.entries.has(name);
  }

  /** Names of records that begin like this. */
  names(start: string): string[] {
    const names: string[] = [];
    for (const name of this.#contents.entries.keys()) if (name.startsWith(start)) names.push(name);
    return names;
  }

  /** @throws TinyMlsError `missing`, `undecryptable` or `malformed` with the key in `path` */
  read(name: string): OpenedBundle {
    const { version, records } = this.#entry(name);
    return openRecord(this.#vault, records[0]!, version);
  }

  /** The octets of a record in chunks. */
  readLarge(name: string): Buffer {
    const { version, records } = this.#entry(name);
    return openPublicRecords(this.#vault, records, version);
  }

  /** All entries of a log, the oldest first. The caller disposes their secrets. */
  readLog(name: string): OpenedBundle[] {
    const bundles: OpenedBundle[] = [];
    try {
      for (const { key, value } of this.#entries(name)) bundles.push(this.#vault.openBundle(key, 0, value));
      return bundles;
    } catch (error) {
      for (const { secrets } of bundles) disposeSecrets(secrets);
      throw error;
    }
  }

  /** The octets of all entries of a log without secrets, the oldest first. */
  readPublicLog(name: string): Buffer[] {
    return this.#entries(name).map(({ key, value }) => bundleOctets(this.#vault.openPublic(key, 0, value)));
  }

  #entry(name: string): FoundEntry {
    const entry = this.#contents.entries.get(name);
    if (entry === undefined) throw recordFault("missing", this.#prefix + name, "is missing");
    return entry;
  }

  #entries(name: string): readonly StoredEntry[] {
    return this.#contents.logs.get(name) ?? [];
  }
}
