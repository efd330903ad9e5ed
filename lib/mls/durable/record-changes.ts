import type { Bundle } from "../../native/bundle.js";

type Bytes = Uint8Array;

/** A record to be put: one bundle, or octets that are not secret in pieces. */
export type NewRecord = { readonly bundle: Bundle } | { readonly chunks: readonly Bytes[] };

/** What is to be written of a log. */
export interface LogChanges {
  readonly entries: Bundle[];
  /** Whether all that was there before is forgotten. */
  isEmptied: boolean;
  /** How many entries are kept at most, the newest. */
  most: number;
}

const chunkLength = 128 * 1024;

/** What is to be written of a set of records in one step. A later change of one name counts. */
export class RecordChanges {
  /** Undefined: to be deleted. */
  readonly records = new Map<string, NewRecord | undefined>();
  readonly logs = new Map<string, LogChanges>();

  get isEmpty(): boolean {
    return this.records.size + this.logs.size === 0;
  }

  /** Whether there is such a record once the changes are made. */
  leave(name: string, before: boolean): boolean {
    return this.records.has(name) ? this.records.get(name) !== undefined : before;
  }

  put(name: string, bundle: Bundle): void {
    this.records.set(name, { bundle });
  }

  /** Octets of any number that are not secret. */
  putLarge(name: string, bytes: Bytes): void {
    const chunks: Bytes[] = [];
    for (let at = 0; at === 0 || at < bytes.byteLength; at += chunkLength) {
      chunks.push(bytes.subarray(at, at + chunkLength));
    }
    this.records.set(name, { chunks });
  }

  delete(name: string): void {
    this.records.set(name, undefined);
  }

  append(log: string, ...entries: Bundle[]): void {
    this.#log(log).entries.push(...entries);
  }

  /** Forgets what the log holds, before what is appended. */
  empty(log: string): void {
    this.#log(log).isEmptied = true;
  }

  /** Forgets the oldest entries, so that no more than so many are left. */
  keep(log: string, most: number): void {
    this.#log(log).most = most;
  }

  #log(name: string): LogChanges {
    let log = this.logs.get(name);
    if (log === undefined) this.logs.set(name, (log = { entries: [], isEmptied: false, most: Infinity }));
    return log;
  }
}
