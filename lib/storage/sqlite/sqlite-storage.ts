import { setTimeout as sleep } from "node:timers/promises";
import {
  checkCount,
  checkOptions,
  checkKey,
  checkLimit,
  checkList,
  checkPrefix,
  checkSync,
  checkWrite,
  closed,
  usage,
} from "../check.js";
import type {
  ListOptions,
  LogPage,
  RecordPage,
  Storage,
  StoredRecord,
  WatchListener,
  WriteOptions,
  WriteStep,
} from "../port.js";
import { faultOf, isBusy, loadDatabaseClass, type SqliteDatabase, type SqliteDatabaseClass } from "./database.js";
import { Erasure } from "./erasure.js";
import { examine, migrate } from "./schema.js";
import { FileWatch } from "./file-watch.js";
import { Tables } from "./tables.js";
import { reading } from "./transaction.js";

export interface SqliteStorageOptions {
  /** The file, made when it is absent. Other files appear beside it (`-wal`, `-shm`). Needless with an open `database`. */
  readonly path?: string;
  /**
   * The `Database` class of better-sqlite3 or libsql, or an open database of theirs, which `close` leaves open. Default: the first
   * of the two packages that is installed and works.
   */
  readonly database?: SqliteDatabaseClass | SqliteDatabase;
  /**
   * Which writes are synced to the disk before they resolve, and so survive a loss of power. `NORMAL` (default): all but those that say
   * `sync: false`, which a loss of power within `eraseMs` may undo. `FULL`: all. The death of the process undoes none.
   */
  readonly synchronous?: "NORMAL" | "FULL";
  /** How long a call waits for another process that is writing, in ms; default 5,000. The event loop runs meanwhile. */
  readonly busyTimeoutMs?: number;
  /** How often a watch looks for changes by other processes, in ms; default 100. */
  readonly pollMs?: number;
  /**
   * When octets that were overwritten or deleted are gone from the files, and what was written is synced in any case; in ms after the
   * write, default 1,000. Later where another process reads or writes all the time; `close` does it at once if it can.
   */
  readonly eraseMs?: number;
}

/** Storage in one SQLite file, which several processes of one machine may have open. */
export class SqliteStorage implements Storage {
  readonly #database: SqliteDatabase;
  readonly #owned: boolean;
  readonly #tables: Tables;
  readonly #watch: FileWatch;
  readonly #erasure: Erasure;
  readonly #busyTimeoutMs: number;
  readonly #syncsAll: boolean;
  #closed = false;

  private constructor(database: SqliteDatabase, owned: boolean, syncsAll: boolean, times: Times) {
    this.#database = database;
    this.#syncsAll = syncsAll;
    this.#owned = owned;
    this.#tables = new Tables(database);
    this.#watch = new FileWatch(this.#tables, times.pollMs);
    this.#erasure = new Erasure(database, times.eraseMs);
    // What a process that died left in the log.
    this.#erasure.wrote();
    this.#busyTimeoutMs = times.busyTimeoutMs;
  }

  /**
   * Opens the file and brings its schema up to date.
   *
   * @param options the path of the file, or all options
   * @throws TinyMlsError `storage` (cannot be opened, of another program, of a newer schema), `malformed` (no SQLite file), `config` (no
   * SQLite package), `usage`
   */
  static async open(options: string | SqliteStorageOptions): Promise<SqliteStorage> {
    const operation = "SqliteStorage.open";
    const { path, database, synchronous, times } = checkedOptions(operation, options);
    const given = typeof database === "object" ? database : undefined;
    const opened =
      given ?? open(operation, (database as SqliteDatabaseClass | undefined) ?? (await loadDatabaseClass()), path);
    try {
      await whenFree(operation, times.busyTimeoutMs, () => prepare(opened));
    } catch (error) {
      if (!given) opened.close();
      throw error;
    }
    return new SqliteStorage(opened, !given, synchronous === "FULL", times);
  }

  get(key: string): Promise<StoredRecord | undefined> {
    return this.#run("Storage.get", () => {
      checkKey("Storage.get", key);
      return this.#tables.get(key);
    });
  }

  list(prefix: string, options?: ListOptions): Promise<RecordPage> {
    return this.#run("Storage.list", () => {
      const { after, limit } = checkList(prefix, options);
      return this.#tables.list(prefix, after, limit);
    });
  }

  async write(steps: readonly WriteStep[], options?: WriteOptions): Promise<number> {
    this.#open("Storage.write");
    const checked = checkWrite(steps);
    const sync = checkSync(options) || this.#syncsAll;
    const revision = await this.#run("Storage.write", () => this.#tables.write(checked, sync));
    this.#erasure.wrote();
    this.#watch.wrote(
      checked.flatMap(({ kind, key }) => (kind === "put" || kind === "delete" ? [key] : [])),
      revision,
    );
    return revision;
  }

  read(log: string, from: number, limit?: number): Promise<LogPage> {
    return this.#run("Storage.read", () => {
      checkKey("Storage.read", log);
      checkCount("Storage.read", "from", from);
      return this.#tables.read(log, from, checkLimit("Storage.read", limit));
    });
  }

  watch(prefix: string, listener: WatchListener): Promise<() => void> {
    return this.#run("Storage.watch", () => {
      checkPrefix("Storage.watch", prefix);
      if (typeof listener !== "function") throw usage("Storage.watch", "listener is a function");
      return this.#watch.add(prefix, listener);
    });
  }

  close(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    this.#closed = true;
    this.#watch.close();
    this.#erasure.close();
    if (this.#owned) this.#database.close();
    return Promise.resolve();
  }

  #open(operation: string): void {
    if (this.#closed) throw closed(operation);
  }

  async #run<T>(operation: string, use: () => T): Promise<T> {
    return whenFree(operation, this.#busyTimeoutMs, () => {
      this.#open(operation);
      return use();
    });
  }
}

interface Times {
  readonly busyTimeoutMs: number;
  readonly pollMs: number;
  readonly eraseMs: number;
}

function checkedOptions(operation: string, options: string | SqliteStorageOptions) {
  const given = typeof options === "string" ? { path: options } : options;
  checkOptions(operation, given);
  const { path, database, synchronous = "NORMAL", busyTimeoutMs = 5000, pollMs = 100, eraseMs = 1000 } = given;
  if (typeof database !== "object" && (typeof path !== "string" || path === ""))
    throw usage(operation, "path names a file");
  if (synchronous !== "NORMAL" && synchronous !== "FULL") throw usage(operation, "synchronous is NORMAL or FULL");
  checkCount(operation, "busyTimeoutMs", busyTimeoutMs);
  checkCount(operation, "pollMs", pollMs);
  checkCount(operation, "eraseMs", eraseMs);
  if (eraseMs > 2 ** 31 - 1) throw usage(operation, "eraseMs is 2^31 - 1 at most");
  const times = { busyTimeoutMs, pollMs: Math.max(pollMs, 1), eraseMs };
  return { path: path ?? "", database, synchronous, times };
}

function open(operation: string, databaseClass: SqliteDatabaseClass, path: string): SqliteDatabase {
  try {
    return new databaseClass(path);
  } catch (error) {
    throw faultOf(operation, error);
  }
}

/** Nothing is written before the schema was found to be one that this code knows. */
function prepare(database: SqliteDatabase): void {
  // SQLite's own waiting would hold up the event loop.
  database.exec("PRAGMA busy_timeout = 0");
  reading(database, () => examine(database));
  database.prepare("PRAGMA journal_mode = WAL").get();
  database.exec("PRAGMA synchronous = FULL");
  // What is overwritten is zeroed; the default of SQLite is to leave it in free pages and cells.
  database.prepare("PRAGMA secure_delete = ON").get();
  migrate(database);
}

/** Tries until no other process is in the way, or for so long. Each try is one synchronous piece, so none sees another's half. */
async function whenFree<T>(operation: string, timeoutMs: number, use: () => T): Promise<T> {
  const start = performance.now();
  for (let waitMs = 1; ; waitMs = Math.min(waitMs * 2, 50)) {
    try {
      return use();
    } catch (error) {
      if (!isBusy(error) || performance.now() - start >= timeoutMs) throw faultOf(operation, error);
    }
    await sleep(waitMs * (0.5 + Math.random()));
  }
}
