import { openSync, readFileSync, writeSync } from "node:fs";
import { Worker } from "node:worker_threads";
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
import { states } from "./protocol.js";

const began = "b";
const ended = "e";

/** Whether a process died while it wrote, by the notes that it left. */
export function diedInWrite(notes: string): boolean {
  const text = readFileSync(notes, "latin1");
  return text.split(began).length > text.split(ended).length;
}

/** A storage that notes in a file when a write begins and ends, and in which the process can die. */
export class NotedStorage implements Storage {
  readonly #inner: Storage;
  readonly #notes: number;
  readonly #deathbed: Deathbed;
  /** Whether the next write ends the process. */
  #isFatal = false;

  constructor(inner: Storage, notes: string, deathbed: Deathbed) {
    this.#inner = inner;
    this.#notes = openSync(notes, "w");
    this.#deathbed = deathbed;
  }

  /** Lets the process die so many microseconds after its next write began. */
  dieInWrite(micros: number): void {
    this.#isFatal = true;
    this.#deathbed.prepare(micros);
  }

  async write(steps: readonly WriteStep[], options?: WriteOptions): Promise<number> {
    writeSync(this.#notes, began);
    if (this.#isFatal) this.#deathbed.begin();
    this.#isFatal = false;
    try {
      return await this.#inner.write(steps, options);
    } finally {
      writeSync(this.#notes, ended);
    }
  }

  get(key: string): Promise<StoredRecord | undefined> {
    return this.#inner.get(key);
  }

  list(prefix: string, options?: ListOptions): Promise<RecordPage> {
    return this.#inner.list(prefix, options);
  }

  read(log: string, from: number, limit?: number): Promise<LogPage> {
    return this.#inner.read(log, from, limit);
  }

  watch(prefix: string, listener: WatchListener): Promise<() => void> {
    return this.#inner.watch(prefix, listener);
  }

  close(): Promise<void> {
    return this.#inner.close();
  }
}

/** A thread that waits to kill its process: in the middle of a synchronous call too. */
export class Deathbed {
  readonly #cell = new Int32Array(new SharedArrayBuffer(8));

  constructor() {
    new Worker(new URL("./death.js", import.meta.url), { workerData: this.#cell.buffer }).unref();
  }

  prepare(afterMicros: number): void {
    this.#cell[1] = afterMicros;
    this.#tell(states.awake);
  }

  /** Returns once the thread is running, beside this one. */
  begin(): void {
    this.#tell(states.dying);
    while (Atomics.load(this.#cell, 0) !== states.counting);
  }

  #tell(state: number): void {
    Atomics.store(this.#cell, 0, state);
    Atomics.notify(this.#cell, 0);
  }
}
