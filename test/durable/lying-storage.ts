import type { ListOptions, RecordPage, StoredRecord } from "tinymls";
import { FaultyStorage } from "./faulty-storage.js";

/** A storage that answers one record where another was asked for, as it is stored: key, value and revision. */
export class LyingStorage extends FaultyStorage {
  /** By the key of the record whose place it takes. */
  readonly instead = new Map<string, StoredRecord>();

  override async get(key: string): Promise<StoredRecord | undefined> {
    return this.instead.get(key) ?? super.get(key);
  }

  override async list(prefix: string, options?: ListOptions): Promise<RecordPage> {
    const { records, next } = await super.list(prefix, options);
    return { records: records.map((record) => this.instead.get(record.key) ?? record), next };
  }
}
