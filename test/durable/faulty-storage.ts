import {
  TinyMlsError,
  type ListOptions,
  type LogPage,
  type RecordPage,
  type Storage,
  type StoredRecord,
  type WatchListener,
  type WriteOptions,
  type WriteStep,
} from "tinymls";

/** How the next writes fail: before anything is written, or when all is written and only the answer is lost. */
export type Failure = "before" | "after";

/** A storage whose medium fails when a test says so. */
export class FaultyStorage implements Storage {
  readonly inner: Storage;
  /** Octets of all values written. */
  written = 0;
  writes = 0;
  /** The failures of the next writes; undefined for one that goes well. */
  failures: (Failure | undefined)[] = [];
  /** Whether nothing can be read. */
  down = false;

  constructor(inner: Storage) {
    this.inner = inner;
  }

  async get(key: string): Promise<StoredRecord | undefined> {
    this.#read();
    return this.inner.get(key);
  }

  async list(prefix: string, options?: ListOptions): Promise<RecordPage> {
    this.#read();
    return this.inner.list(prefix, options);
  }

  async read(log: string, from: number, limit?: number): Promise<LogPage> {
    this.#read();
    return this.inner.read(log, from, limit);
  }

  async write(steps: readonly WriteStep[], options?: WriteOptions): Promise<number> {
    const failure = this.down ? "before" : this.failures.shift();
    if (failure === "before") throw broken();
    const revision = await this.inner.write(steps, options);
    this.writes++;
    for (const step of steps) {
      if ("put" in step) this.written += step.value.byteLength;
      if ("append" in step) for (const entry of step.entries) this.written += entry.byteLength;
    }
    if (failure === "after") throw broken();
    return revision;
  }

  watch(prefix: string, listener: WatchListener): Promise<() => void> {
    return this.inner.watch(prefix, listener);
  }

  close(): Promise<void> {
    return this.inner.close();
  }

  #read(): void {
    if (this.down) throw broken();
  }
}

export const broken = () => new TinyMlsError("storage", "the medium failed", { component: "storage" });
