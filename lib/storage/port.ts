/** A record as it is stored. */
export interface StoredRecord {
  readonly key: string;
  readonly value: Buffer;
  /** The revision of the write that put it: never 0, never used twice in one store, higher for a later write to the same key. */
  readonly revision: number;
}

/**
 * One step of a write. `revision` is what the key must have for the write to happen, 0 for "no such record"; left out,
 * the step is unconditional. Records and logs have names of their own: a record and a log may be called the same.
 */
export type WriteStep =
  | { readonly put: string; readonly value: Uint8Array; readonly revision?: number }
  | { readonly delete: string; readonly revision?: number }
  /** Changes nothing, but the write happens only if the record is at this revision. */
  | { readonly check: string; readonly revision: number }
  /** `position` is where the log must end for the write to happen, 0 for a log that has had no entry. */
  | { readonly append: string; readonly entries: readonly Uint8Array[]; readonly position?: number }
  /** Forgets the entries before this position; those after it keep theirs. */
  | { readonly truncate: string; readonly before: number };

export interface WriteOptions {
  /**
   * Whether the write survives a loss of power from the moment it resolves. Default: true. With false it may be undone by one, whole and
   * together with others like it that came after it, until a write without it resolves, or some time passes. An adapter may treat all
   * writes alike.
   */
  readonly sync?: boolean | undefined;
}

export interface ListOptions {
  /** Only keys after this one, in the order of their octets. */
  readonly after?: string;
  /** Records at most, 1 to 1,000; default 100. */
  readonly limit?: number;
}

export interface RecordPage {
  /** Sorted by key. Fewer than `limit` when they are large: a page ends after about 16 MiB. */
  readonly records: readonly StoredRecord[];
  /** What to pass as `after` for the next page; undefined on the last. */
  readonly next: string | undefined;
}

export interface LogEntry {
  /** 0 for the first entry that a log ever had. */
  readonly position: number;
  readonly value: Buffer;
}

export interface LogPage {
  readonly entries: readonly LogEntry[];
  /** The position of the oldest entry that is kept. */
  readonly first: number;
  /** The position that the next entry will get. */
  readonly end: number;
}

/**
 * Hears of changed records.
 *
 * @param keys the keys that were put or deleted; undefined when any key of the prefix may have been
 */
export type WatchListener = (keys: readonly string[] | undefined) => void;

/**
 * Where state is kept: records and append-only logs of octets. Each method either does the whole of what it is asked for or
 * rejects and leaves the store as it was.
 *
 * Rejects with `TinyMlsError`: `conflict` (a record or a log is not where the write expects it; `path` names it), `storage` (the
 * medium failed; `retryable` says whether the same call may succeed later), `malformed` (what is stored is damaged), `usage` (an
 * argument beyond the limits), `closed`.
 */
export interface Storage {
  /** The record with this key, undefined when there is none. */
  get(key: string): Promise<StoredRecord | undefined>;

  /** The records whose key starts with `prefix` (all for ""), a page at a time. */
  list(prefix: string, options?: ListOptions): Promise<RecordPage>;

  /**
   * All of the steps or none, durable when it resolves (as far as the adapter and `options` say). A key or a log may be named by one
   * step only, but for an append and a truncate of one log, which happen in this order.
   *
   * @returns the revision of this write, which the records that it put have
   */
  write(steps: readonly WriteStep[], options?: WriteOptions): Promise<number>;

  /** Entries of a log at and after a position, from the oldest one kept if that is later. `limit` as in `list`. */
  read(log: string, from: number, limit?: number): Promise<LogPage>;

  /**
   * Calls `listener` after records with this prefix changed, by whichever process. Writes in quick succession may be told in one
   * call, and a change may be told twice, but none is left out from the moment the promise resolves.
   *
   * @returns ends the watch
   */
  watch(prefix: string, listener: WatchListener): Promise<() => void>;

  /** Ends watches and releases what the adapter opened. A second call does nothing. */
  close(): Promise<void>;
}

/** What every adapter accepts. */
export const storageLimits = {
  /** Characters of a key or a log's name: A-Z a-z 0-9 . _ : / = ~ - and first a letter or a digit. */
  keyLength: 255,
  /** Octets of a value or of an entry. */
  valueLength: 16 * 2 ** 20,
  /** Steps of one write, and entries of one append. */
  steps: 1000,
  /** Octets of all values of one write. */
  writeLength: 64 * 2 ** 20,
  /** Records or entries of one page. */
  page: 1000,
} as const;
