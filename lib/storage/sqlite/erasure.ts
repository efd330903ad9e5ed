import type { SqliteDatabase } from "./database.js";

/**
 * Keeps what was overwritten and deleted from staying in the files. `secure_delete` zeroes it in the database, but the write-ahead log
 * still holds the pages as they were: it is emptied some time after a write.
 */
export class Erasure {
  readonly #database: SqliteDatabase;
  readonly #eraseMs: number;
  #timer: NodeJS.Timeout | undefined;

  constructor(database: SqliteDatabase, eraseMs: number) {
    this.#database = database;
    // While another connection is in the way it is tried again and again.
    this.#eraseMs = Math.max(eraseMs, 10);
  }

  wrote(): void {
    // Does not keep the process alive: who ends in order calls `close`.
    this.#timer ??= setTimeout(() => this.#due(), this.#eraseMs).unref();
  }

  /** Empties the log once more. */
  close(): void {
    const pending = this.#timer !== undefined;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (pending) this.#emptyLog();
  }

  #due(): void {
    this.#timer = undefined;
    if (!this.#emptyLog()) this.wrote();
  }

  /** @returns false while another connection reads or writes, or when the disk fails: then later */
  #emptyLog(): boolean {
    try {
      const { busy } = this.#database.prepare("PRAGMA wal_checkpoint(TRUNCATE)").get() as { busy: number };
      return busy === 0;
    } catch {
      return false;
    }
  }
}
