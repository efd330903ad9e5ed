import {
  checkCount,
  checkKey,
  checkLimit,
  checkList,
  checkPrefix,
  checkSync,
  checkWrite,
  closed,
  conflict,
  endOfPrefix,
  pageLength,
  usage,
  type CheckedStep,
} from "./check.js";
import type {
  ListOptions,
  LogEntry,
  LogPage,
  RecordPage,
  Storage,
  StoredRecord,
  WatchListener,
  WriteOptions,
  WriteStep,
} from "./port.js";
import { Watches } from "./watches.js";

interface Log {
  first: number;
  entries: Buffer[];
}

/** A storage that lives as long as the process: for tests, and for state that need not outlive it. */
export class MemoryStorage implements Storage {
  readonly #records = new Map<string, StoredRecord>();
  readonly #logs = new Map<string, Log>();
  readonly #watches = new Watches();
  /** Their keys, in order. */
  readonly #keys: string[] = [];
  #revision = 0;
  #closed = false;

  // Async throughout, so that a wrong argument rejects as it does with the other adapters.
  // eslint-disable-next-line @typescript-eslint/require-await
  async get(key: string): Promise<StoredRecord | undefined> {
    this.#open("Storage.get");
    checkKey("Storage.get", key);
    const record = this.#records.get(key);
    return record && copyOf(record);
  }

  // eslint-disable-next-line @typescript-eslint/require-await
  async list(prefix: string, options?: ListOptions): Promise<RecordPage> {
    this.#open("Storage.list");
    const { after, limit } = checkList(prefix, options);
    const records: StoredRecord[] = [];
    let length = 0;
    const end = endOfPrefix(prefix); // `startsWith` looks at each character on its own
    for (let index = firstFrom(this.#keys, after > prefix ? after : prefix); index < this.#keys.length; index++) {
      const key = this.#keys[index]!;
      if (key === after) continue;
      if (key >= end) break;
      if (records.length === limit || length >= pageLength) return { records, next: records.at(-1)!.key };
      const record = this.#records.get(key)!;
      length += record.value.length;
      records.push(copyOf(record));
    }
    return { records, next: undefined };
  }

  // eslint-disable-next-line @typescript-eslint/require-await
  async write(steps: readonly WriteStep[], options?: WriteOptions): Promise<number> {
    this.#open("Storage.write");
    checkSync(options);
    const checked = checkWrite(steps);
    for (const step of checked) this.#expect(step, checked);
    const revision = ++this.#revision;
    for (const step of checked) this.#apply(step, revision);
    if (this.#watches.size > 0) {
      this.#watches.tell(checked.flatMap(({ kind, key }) => (kind === "put" || kind === "delete" ? [key] : [])));
    }
    return revision;
  }

  // eslint-disable-next-line @typescript-eslint/require-await
  async read(log: string, from: number, limit?: number): Promise<LogPage> {
    this.#open("Storage.read");
    checkKey("Storage.read", log);
    checkCount("Storage.read", "from", from);
    const most = checkLimit("Storage.read", limit);
    const { first, entries: kept } = this.#logs.get(log) ?? { first: 0, entries: [] };
    const entries: LogEntry[] = [];
    let length = 0;
    for (let index = Math.max(from - first, 0); index < kept.length; index++) {
      if (entries.length === most || length >= pageLength) break;
      const value = Buffer.from(kept[index]!);
      length += value.length;
      entries.push({ position: first + index, value });
    }
    return { entries, first, end: first + kept.length };
  }

  // eslint-disable-next-line @typescript-eslint/require-await
  async watch(prefix: string, listener: WatchListener): Promise<() => void> {
    this.#open("Storage.watch");
    checkPrefix("Storage.watch", prefix);
    if (typeof listener !== "function") throw usage("Storage.watch", "listener is a function");
    return this.#watches.add(prefix, listener);
  }

  /** Forgets everything. */
  close(): Promise<void> {
    this.#closed = true;
    this.#watches.clear();
    this.#records.clear();
    this.#logs.clear();
    this.#keys.length = 0;
    return Promise.resolve();
  }

  #open(operation: string): void {
    if (this.#closed) throw closed(operation);
  }

  #expect(step: CheckedStep, steps: readonly CheckedStep[]): void {
    if (step.kind === "truncate") {
      const append = steps.find(({ kind, key }) => kind === "append" && key === step.key);
      const appended = append?.kind === "append" ? append.entries.length : 0;
      if (step.before > this.#endOf(step.key) + appended) throw conflict(step.key);
    } else if (step.expected !== undefined) {
      const found = step.kind === "append" ? this.#endOf(step.key) : (this.#records.get(step.key)?.revision ?? 0);
      if (step.expected !== found) throw conflict(step.key);
    }
  }

  #endOf(name: string): number {
    const log = this.#logs.get(name);
    return log === undefined ? 0 : log.first + log.entries.length;
  }

  #apply(step: CheckedStep, revision: number): void {
    switch (step.kind) {
      case "put":
        if (!this.#records.has(step.key)) this.#keys.splice(firstFrom(this.#keys, step.key), 0, step.key);
        this.#records.set(step.key, { key: step.key, value: Buffer.from(step.value), revision });
        break;
      case "delete":
        if (this.#records.delete(step.key)) this.#keys.splice(firstFrom(this.#keys, step.key), 1);
        break;
      case "append":
        this.#log(step.key).entries.push(...step.entries.map((entry) => Buffer.from(entry)));
        break;
      case "truncate": {
        const log = this.#log(step.key);
        const dropped = log.entries.splice(0, Math.max(step.before - log.first, 0));
        log.first += dropped.length;
        break;
      }
      case "check":
    }
  }

  #log(name: string): Log {
    let log = this.#logs.get(name);
    if (!log) this.#logs.set(name, (log = { first: 0, entries: [] }));
    return log;
  }
}

const copyOf = ({ key, value, revision }: StoredRecord): StoredRecord => ({ key, value: Buffer.from(value), revision });

/** The index of the first key that is not before `bound`. */
function firstFrom(keys: readonly string[], bound: string): number {
  let [low, high] = [0, keys.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (keys[middle]! < bound) low = middle + 1;
    else high = middle;
  }
  return low;
}
