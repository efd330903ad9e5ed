import { setTimeout as sleep } from "node:timers/promises";
import type {
  ListOptions,
  LogPage,
  RecordPage,
  Storage,
  StoredRecord,
  WatchListener,
  WriteOptions,
  WriteStep,
} from "tinymls";
import { broken } from "./faulty-storage.js";

/** Of the writes that fail. */
const share = 0.5;

/** A storage that is late, fails to read, and fails to write or to say that it wrote, by chance: between `begin` and `end`. */
export class UnreliableStorage implements Storage {
  readonly #inner: Storage;
  readonly #random: () => number;
  #isUnreliable = false;
  /** Since `begin`. */
  failedWrites = 0;

  constructor(inner: Storage, random: () => number) {
    this.#inner = inner;
    this.#random = random;
  }

  begin(): void {
    this.#isUnreliable = true;
    this.failedWrites = 0;
  }

  end(): void {
    this.#isUnreliable = false;
  }

  get(key: string): Promise<StoredRecord | undefined> {
    return this.#read(() => this.#inner.get(key));
  }

  list(prefix: string, options?: ListOptions): Promise<RecordPage> {
    return this.#read(() => this.#inner.list(prefix, options));
  }

  read(log: string, from: number, limit?: number): Promise<LogPage> {
    return this.#read(() => this.#inner.read(log, from, limit));
  }

  async write(steps: readonly WriteStep[], options?: WriteOptions): Promise<number> {
    const chance = await this.#chance();
    if (chance < share / 2) throw this.#failed();
    const revision = await this.#inner.write(steps, options);
    if (chance < share) throw this.#failed();
    return revision;
  }

  watch(prefix: string, listener: WatchListener): Promise<() => void> {
    return this.#inner.watch(prefix, listener);
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  async #read<T>(read: () => Promise<T>): Promise<T> {
    if ((await this.#chance()) < share / 5) throw broken();
    return read();
  }

  /** 1 for what goes well in any case. */
  async #chance(): Promise<number> {
    if (!this.#isUnreliable) return 1;
    if (this.#random() < 0.2) await sleep(3 * this.#random());
    return this.#random();
  }

  #failed(): Error {
    this.failedWrites++;
    return broken();
  }
}
