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
  endOfPrefix,
  pageLength,
  usage,
  type CheckedStep,
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
import { faultOf, isContention, loadPool, type PostgresPool } from "./connection.js";
import { Listener } from "./listener.js";
import { migrate } from "./schema.js";

export interface PostgresStorageOptions {
  /** `postgres://user:password@host/database`; without it and `pool`, the environment variables of libpq (`PGHOST`, ...). */
  readonly connectionString?: string;
  /** A `Pool` of the package `pg`, which `close` leaves open. A watch holds one of its connections. */
  readonly pool?: PostgresPool;
  /** The schema that holds the tables, made when it is absent: a-z 0-9 _, at most 40 characters. Default `tinymls`. */
  readonly schema?: string;
  /** Connections at most, when the pool is not given; default 10. */
  readonly maxConnections?: number;
}

interface Row {
  key: string;
  revision: string;
  value: Buffer;
}

/** Storage in one schema of a PostgreSQL database, which many machines may share. */
export class PostgresStorage implements Storage {
  readonly #pool: PostgresPool;
  readonly #owned: boolean;
  readonly #schema: string;
  readonly #listener: Listener;
  #closing: Promise<void> | undefined;

  private constructor(pool: PostgresPool, owned: boolean, schema: string) {
    this.#pool = pool;
    this.#owned = owned;
    this.#schema = schema;
    this.#listener = new Listener(pool, channelOf(schema));
  }

  /**
   * Connects and brings the schema up to date.
   *
   * @param options a connection string, or all options
   * @throws TinyMlsError `storage` (no connection, a newer schema), `config` (`pg` is not installed), `usage`
   */
  static async open(options: string | PostgresStorageOptions = {}): Promise<PostgresStorage> {
    const operation = "PostgresStorage.open";
    const given = typeof options === "string" ? { connectionString: options } : options;
    checkOptions(operation, given);
    const { connectionString, schema = "tinymls", maxConnections = 10 } = given;
    if (!/^[a-z_][a-z0-9_]{0,39}$/.test(schema)) throw usage(operation, "schema has 1 to 40 characters of a-z 0-9 _");
    if (!Number.isInteger(maxConnections) || maxConnections < 2) throw usage(operation, "maxConnections is 2 or more");
    const pool = given.pool ?? (await loadPool({ connectionString, max: maxConnections }));
    try {
      const client = await pool.connect();
      try {
        await migrate(client, schema);
      } finally {
        client.release();
      }
    } catch (error) {
      if (!given.pool) await pool.end();
      throw faultOf(operation, error);
    }
    return new PostgresStorage(pool, !given.pool, schema);
  }

  async get(key: string): Promise<StoredRecord | undefined> {
    this.#open("Storage.get");
    checkKey("Storage.get", key);
    const text = `SELECT key, revision, value FROM ${this.#schema}.records WHERE key = $1`;
    const [row] = await this.#query<Row>("Storage.get", "get", text, [key]);
    return row && recordOf(row);
  }

  async list(prefix: string, options?: ListOptions): Promise<RecordPage> {
    this.#open("Storage.list");
    const { after, limit } = checkList(prefix, options);
    // The page is cut by what stands before a record, and only then are values read. One more tells whether there is another.
    const text = `SELECT r.key, r.revision, r.value FROM
      (SELECT key, sum(length) OVER (ORDER BY key) - length AS before FROM
        (SELECT key, octet_length(value) AS length FROM ${this.#schema}.records
          WHERE key >= $1 AND key < $2 AND key > $3 ORDER BY key LIMIT $4) AS found) AS page
      JOIN ${this.#schema}.records AS r ON r.key = page.key WHERE page.before < $5 ORDER BY r.key`;
    const values = [prefix, endOfPrefix(prefix), after, limit + 1, pageLength];
    const rows = await this.#query<Row>("Storage.list", "list", text, values);
    const records = rows.slice(0, limit).map(recordOf);
    const length = records.reduce((sum, { value }) => sum + value.length, 0);
    return { records, next: rows.length > limit || length >= pageLength ? records.at(-1)!.key : undefined };
  }

  /** As durable as the server is set to be, whatever the options say. */
  async write(steps: readonly WriteStep[], options?: WriteOptions): Promise<number> {
    this.#open("Storage.write");
    checkSync(options);
    const values = [...argumentsOf(checkWrite(steps)), channelOf(this.#schema)];
    const text = `SELECT ${this.#schema}.apply($1, $2, $3, $4, $5, $6) AS revision`;
    const [row] = await this.#query<{ revision: string }>("Storage.write", "write", text, values);
    return Number(row!.revision);
  }

  async read(log: string, from: number, limit?: number): Promise<LogPage> {
    this.#open("Storage.read");
    checkKey("Storage.read", log);
    checkCount("Storage.read", "from", from);
    const most = checkLimit("Storage.read", limit);
    // One statement, so that the entries and where the log starts and ends are of one state.
    const text = `SELECT l.first, l."end", e.position, e.value FROM ${this.#schema}.logs AS l LEFT JOIN
      (SELECT log, position, sum(length) OVER (ORDER BY position) - length AS before FROM
        (SELECT log, position, octet_length(value) AS length FROM ${this.#schema}.entries
          WHERE log = $1 AND position >= $2 ORDER BY position LIMIT $3) AS found) AS page
      ON page.log = l.name AND page.before < $4
      LEFT JOIN ${this.#schema}.entries AS e ON e.log = page.log AND e.position = page.position
      WHERE l.name = $1 ORDER BY e.position`;
    const rows = await this.#query<{ first: string; end: string; position: string | null; value: Buffer }>(
      "Storage.read",
      "read",
      text,
      [log, from, most, pageLength],
    );
    const [{ first, end } = { first: "0", end: "0" }] = rows;
    const entries = rows.flatMap(({ position, value }) =>
      position === null ? [] : [{ position: Number(position), value }],
    );
    return { entries, first: Number(first), end: Number(end) };
  }

  async watch(prefix: string, listener: WatchListener): Promise<() => void> {
    this.#open("Storage.watch");
    checkPrefix("Storage.watch", prefix);
    if (typeof listener !== "function") throw usage("Storage.watch", "listener is a function");
    try {
      return await this.#listener.add(prefix, listener);
    } catch (error) {
      throw faultOf("Storage.watch", error);
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#listener.close().then(() => (this.#owned ? this.#pool.end() : undefined));
    return this.#closing;
  }

  #open(operation: string): void {
    if (this.#closing) throw closed(operation);
  }

  /** A prepared statement on any connection of the pool; tried again when the server undid it for the sake of another. */
  async #query<T>(operation: string, name: string, text: string, values: unknown[]): Promise<T[]> {
    for (let attempt = 1; ; attempt++) {
      try {
        const { rows } = await this.#pool.query({ name: `${this.#schema}_${name}`, text, values });
        return rows as T[];
      } catch (error) {
        if (!isContention(error) || attempt === 10) throw faultOf(operation, error);
      }
      await sleep(2 ** attempt * Math.random());
    }
  }
}

const channelOf = (schema: string): string => `tinymls_${schema}`;

const recordOf = ({ key, revision, value }: Row): StoredRecord => ({ key, revision: Number(revision), value });

/** One array for each argument of the function `apply`; the values of all steps stand in one, in the order of the steps. */
function argumentsOf(steps: readonly CheckedStep[]): unknown[] {
  const values = steps.flatMap((step) => {
    if (step.kind === "put") return [asBuffer(step.value)];
    return step.kind === "append" ? step.entries.map(asBuffer) : [];
  });
  return [
    steps.map(({ kind }) => kind),
    steps.map(({ key }) => key),
    steps.map((step) => ("expected" in step ? step.expected : undefined) ?? null),
    steps.map((step) => (step.kind === "append" ? step.entries.length : step.kind === "truncate" ? step.before : 0)),
    values,
  ];
}

const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
