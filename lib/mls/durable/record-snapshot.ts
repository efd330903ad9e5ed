import { disposeSecrets } from "../../native/secret.js";
import type { StoredRecord } from "../../storage/port.js";
import type { Vault } from "../../storage/vault/vault.js";
import { entryIn, namesIn, type RecordIndex } from "./record-index.js";
import type { StoredEntry } from "./record-reader.js";
import { bodyOf, octetsOf, type OpenedBody } from "./sealed-body.js";
import { keysOf, openPublicRecord, openRecord, requireEntry } from "./stored-record.js";

/** What was read of a set: all that the index lists is there, and of the version that it says. */
export interface SnapshotContents {
  readonly index: RecordIndex;
  readonly records: ReadonlyMap<string, StoredRecord>;
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
    return entryIn(this.#contents.index.parts, name) !== undefined;
  }

  /** Names of records. */
  names(start: string): string[] {
    return namesIn(this.#contents.index.parts, start);
  }

  /** @throws TinyMlsError `missing`, `undecryptable` or `malformed` with the key in `path` */
  read(name: string): OpenedBody {
    const key = this.#prefix + name;
    const { version } = requireEntry(this.#contents.index, key, name);
    return bodyOf(openRecord(this.#vault, this.#contents.records.get(key)!, version));
  }

  /** The octets of a record in chunks. */
  readLarge(name: string): Buffer {
    const entry = requireEntry(this.#contents.index, this.#prefix + name, name);
    const chunks = keysOf(this.#prefix, name, entry).map((key) => {
      return openPublicRecord(this.#vault, this.#contents.records.get(key)!, entry.version);
    });
    return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
  }

  /** All entries of a log, the oldest first. The caller disposes their secrets. */
  readLog(name: string): OpenedBody[] {
    const bodies: OpenedBody[] = [];
    try {
      for (const { key, value } of this.#entries(name)) bodies.push(bodyOf(this.#vault.open(key, 0, value)));
      return bodies;
    } catch (error) {
      for (const { secrets } of bodies) disposeSecrets(secrets);
      throw error;
    }
  }

  /** The octets of all entries of a log without secrets, the oldest first. */
  readPublicLog(name: string): Buffer[] {
    return this.#entries(name).map(({ key, value }) => octetsOf(this.#vault.openPublic(key, 0, value)));
  }

  #entries(name: string): readonly StoredEntry[] {
    return this.#contents.logs.get(name) ?? [];
  }
}
