import {
  TinyMlsError,
  type ListOptions,
  type LogPage,
  type RecordPage,
  type Storage,
  type StoredRecord,
  type WatchListener,
  type WriteStep,
} from "tinymls";

/** What a process has of a storage until its power fails: from then on nothing that it does reaches the medium. */
export class Outlet implements Storage {
  readonly #medium: Storage;
  #writesLeft = Infinity;
  #lastIsDone = false;

  constructor(medium: Storage) {
    this.#medium = medium;
  }

  /** @param lastIsDone whether the write in which the power fails is done, and only its answer lost */
  failAfter(writes: number, lastIsDone: boolean): void {
    this.#writesLeft = writes;
    this.#lastIsDone = lastIsDone;
  }

  fail(): void {
    this.#writesLeft = -1;
  }

  async get(key: string): Promise<StoredRecord | undefined> {
    this.#requirePower();
    return this.#medium.get(key);
  }

  async list(prefix: string, options?: ListOptions): Promise<RecordPage> {
    this.#requirePower();
    return this.#medium.list(prefix, options);
  }

  async read(log: string, from: number, limit?: number): Promise<LogPage> {
    this.#requirePower();
    return this.#medium.read(log, from, limit);
  }

  async write(steps: readonly WriteStep[]): Promise<number> {
    this.#requirePower();
    if (--this.#writesLeft >= 0) return this.#medium.write(steps);
    if (this.#lastIsDone) await this.#medium.write(steps);
    throw powerFailed();
  }

  watch(prefix: string, listener: WatchListener): Promise<() => void> {
    return this.#medium.watch(prefix, listener);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #requirePower(): void {
    if (this.#writesLeft < 0) throw powerFailed();
  }
}

const failure = "the power failed";

function powerFailed(): TinyMlsError {
  return new TinyMlsError("storage", failure, { component: "storage" });
}

/** Passes what a process does whose power fails; other errors than that are thrown. */
export async function untilPowerFails(doing: Promise<unknown>): Promise<void> {
  try {
    await doing;
  } catch (error) {
    if (!(error instanceof TinyMlsError && error.code === "storage")) throw error;
  }
}
