import { TinyMlsError } from "../../errors.js";
import { conflict, endOfPrefix, pageLength, type CheckedStep } from "../check.js";
import type { LogPage, RecordPage, StoredRecord } from "../port.js";
import type { SqliteDatabase, SqliteStatement } from "./database.js";
import { reading, writing } from "./transaction.js";

interface RecordRow {
  key: string;
  revision: number;
  value: unknown;
}

interface LogRow {
  id: number;
  first: number;
  end: number;
}

const sql = {
  nextRevision: "UPDATE state SET revision = revision + 1 WHERE id = 1",
  lastRevision: "SELECT revision FROM state WHERE id = 1",
  get: "SELECT key, revision, value FROM records WHERE key = ?",
  revisionOf: "SELECT revision FROM records WHERE key = ?",
  revisions: "SELECT key, revision FROM records WHERE key >= ? AND key < ?",
  put: "INSERT INTO records VALUES (?, ?, ?) ON CONFLICT (key) DO UPDATE SET revision = excluded.revision, value = excluded.value",
  delete: "DELETE FROM records WHERE key = ?",
  // The page is cut by what stands before a record, and only then are values read.
  list: `SELECT r.key, r.revision, r.value FROM
    (SELECT key, sum(length(value)) OVER (ORDER BY key) - length(value) AS before FROM
      (SELECT key, value FROM records WHERE key >= ? AND key < ? AND key > ? ORDER BY key LIMIT ?)) AS page
    JOIN records AS r ON r.key = page.key WHERE page.before < ? ORDER BY r.key`,
  log: "SELECT id, first, end FROM logs WHERE name = ?",
  createLog: "INSERT INTO logs (name, first, end) VALUES (?, 0, 0)",
  moveLog: "UPDATE logs SET first = ?, end = ? WHERE id = ?",
  append: "INSERT INTO entries VALUES (?, ?, ?)",
  truncate: "DELETE FROM entries WHERE log = ? AND position < ?",
  read: `SELECT e.position, e.value FROM
    (SELECT position, sum(length(value)) OVER (ORDER BY position) - length(value) AS before FROM
      (SELECT position, value FROM entries WHERE log = ? AND position >= ? ORDER BY position LIMIT ?)) AS page
    JOIN entries AS e ON e.log = ? AND e.position = page.position WHERE page.before < ? ORDER BY e.position`,
  dataVersion: "PRAGMA data_version",
};

/** The statements on the tables of one connection, each prepared at its first use. All synchronous. */
export class Tables {
  readonly #database: SqliteDatabase;
  readonly #prepared = new Map<keyof typeof sql, SqliteStatement>();
  #syncs: boolean | undefined;

  constructor(database: SqliteDatabase) {
    this.#database = database;
  }

  get(key: string): StoredRecord | undefined {
    const row = this.#reading(() => this.#statement("get").get(key)) as RecordRow | undefined;
    return row && recordOf(row);
  }

  list(prefix: string, after: string, limit: number): RecordPage {
    // One record more than asked for tells whether there is another page.
    const range = [prefix, endOfPrefix(prefix), after];
    const rows = this.#reading(() => this.#statement("list").all(...range, limit + 1, pageLength)) as RecordRow[];
    const records = rows.slice(0, limit).map(recordOf);
    const length = records.reduce((sum, { value }) => sum + value.length, 0);
    const more = rows.length > limit || length >= pageLength;
    return { records, next: more ? records.at(-1)!.key : undefined };
  }

  revisions(prefix: string): Map<string, number> {
    const rows = this.#reading(() => this.#statement("revisions").all(prefix, endOfPrefix(prefix))) as RecordRow[];
    return new Map(rows.map(({ key, revision }) => [key, revision]));
  }

  read(log: string, from: number, limit: number): LogPage {
    return this.#reading(() => {
      const found = this.#statement("log").get(log) as LogRow | undefined;
      if (!found) return { entries: [], first: 0, end: 0 };
      const rows = this.#statement("read").all(found.id, from, limit, found.id, pageLength);
      const entries = (rows as { position: number; value: unknown }[]).map(({ position, value }) => ({
        position,
        value: octetsOf(value),
      }));
      return { entries, first: found.first, end: found.end };
    });
  }

  /**
   * @param sync whether it is on the disk at the end, and all that was written before it too
   * @throws TinyMlsError `conflict`, and whatever SQLite throws; nothing is changed then
   */
  write(steps: readonly CheckedStep[], sync: boolean): number {
    this.#setSync(sync);
    return writing(this.#database, () => {
      this.#statement("nextRevision").run();
      const { revision } = this.#statement("lastRevision").get() as { revision: number };
      for (const step of steps) this.#apply(step, revision);
      return revision;
    });
  }

  /** Of the transactions from here on: FULL syncs the write-ahead log, all of it, at each; NORMAL when it is moved into the database. */
  #setSync(sync: boolean): void {
    if (sync === this.#syncs) return;
    this.#database.exec(`PRAGMA synchronous = ${sync ? "FULL" : "NORMAL"}`);
    this.#syncs = sync;
  }

  /** Changes when another connection has changed the file. */
  dataVersion(): number {
    return (this.#reading(() => this.#statement("dataVersion").get()) as { data_version: number }).data_version;
  }

  #apply(step: CheckedStep, revision: number): void {
    if (step.kind === "append" || step.kind === "truncate") return this.#applyToLog(step);
    if (step.expected !== undefined) {
      const found = this.#statement("revisionOf").get(step.key) as RecordRow | undefined;
      if ((found?.revision ?? 0) !== step.expected) throw conflict(step.key);
    }
    if (step.kind === "put") this.#statement("put").run(step.key, revision, step.value);
    if (step.kind === "delete") this.#statement("delete").run(step.key);
  }

  #applyToLog(step: Extract<CheckedStep, { kind: "append" | "truncate" }>): void {
    const { id, first, end } = this.#log(step.key);
    if (step.kind === "append") {
      if (step.expected !== undefined && step.expected !== end) throw conflict(step.key);
      step.entries.forEach((entry, index) => this.#statement("append").run(id, end + index, entry));
      this.#statement("moveLog").run(first, end + step.entries.length, id);
    } else {
      if (step.before > end) throw conflict(step.key);
      this.#statement("truncate").run(id, step.before);
      this.#statement("moveLog").run(Math.max(first, step.before), end, id);
    }
  }

  #log(name: string): LogRow {
    const found = this.#statement("log").get(name) as LogRow | undefined;
    if (found) return found;
    this.#statement("createLog").run(name);
    return this.#statement("log").get(name) as LogRow;
  }

  #reading<T>(use: () => T): T {
    return reading(this.#database, use);
  }

  #statement(name: keyof typeof sql): SqliteStatement {
    let statement = this.#prepared.get(name);
    if (!statement) this.#prepared.set(name, (statement = this.#database.prepare(sql[name])));
    return statement;
  }
}

const recordOf = ({ key, revision, value }: RecordRow): StoredRecord => ({ key, revision, value: octetsOf(value) });

/** libsql answers with an ArrayBuffer of its own, better-sqlite3 with a Buffer. */
function octetsOf(value: unknown): Buffer {
  if (Buffer.isBuffer(value)) return value;
  if (value instanceof ArrayBuffer) return Buffer.from(value);
  throw new TinyMlsError("malformed", "the SQLite file is damaged: a value is no blob", { component: "storage" });
}
