import { TinyMlsError } from "../../errors.js";
import type { SqliteDatabase } from "./database.js";
import { reading, writing } from "./transaction.js";

/** "tMLS": marks a file as ours (SQLite's application_id). */
const applicationId = 0x744d4c53;

/**
 * What leads from each version of the schema to the next; the file's user_version says how many of them it has seen. Never change
 * one that was released, add another.
 */
export const migrations: readonly string[] = [
  `CREATE TABLE state (id INTEGER PRIMARY KEY CHECK (id = 1), revision INTEGER NOT NULL);
   INSERT INTO state VALUES (1, 0);
   CREATE TABLE records (key TEXT PRIMARY KEY, revision INTEGER NOT NULL, value BLOB NOT NULL) WITHOUT ROWID;
   CREATE TABLE logs (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, first INTEGER NOT NULL, end INTEGER NOT NULL);
   CREATE TABLE entries (log INTEGER NOT NULL, position INTEGER NOT NULL, value BLOB NOT NULL, PRIMARY KEY (log, position))
     WITHOUT ROWID;`,
];

/** Refuses a file that is not ours or is newer than this code, before anything is written to it. */
export function examine(database: SqliteDatabase, known = migrations.length): number {
  const version = pragma(database, "user_version");
  const owner = pragma(database, "application_id");
  const { tables } = database.prepare("SELECT count(*) AS tables FROM sqlite_master").get() as { tables: number };
  if (owner !== applicationId && (owner !== 0 || version !== 0 || tables > 0)) {
    throw refusal("the SQLite file belongs to another program");
  }
  if (version > known) throw refusal(`the storage has schema ${version}, this version of tinymls knows up to ${known}`);
  return version;
}

/** Brings the file to the last version, in one transaction; two processes may try at once. */
export function migrate(database: SqliteDatabase, steps: readonly string[] = migrations): void {
  if (reading(database, () => examine(database, steps.length)) === steps.length) return;
  writing(database, () => {
    for (const step of steps.slice(examine(database, steps.length))) database.exec(step);
    database.exec(`PRAGMA application_id = ${applicationId}`);
    database.exec(`PRAGMA user_version = ${steps.length}`);
  });
}

export function pragma(database: SqliteDatabase, name: string): number {
  const row = database.prepare(`PRAGMA ${name}`).get() as Record<string, number>;
  return row[name]!;
}

function refusal(message: string): TinyMlsError {
  return new TinyMlsError("storage", message, {
    operation: "SqliteStorage.open",
    component: "storage",
    retryable: false,
  });
}
