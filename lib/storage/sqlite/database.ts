import { TinyMlsError } from "../../errors.js";

/** A prepared statement of better-sqlite3 or libsql, as far as it is used here. */
export interface SqliteStatement {
  /** Does what the statement says. */
  run(...parameters: unknown[]): { changes: number };
  /** The first row, as an object; undefined when there is none. */
  get(...parameters: unknown[]): unknown;
  /** All rows. */
  all(...parameters: unknown[]): unknown[];
}

/** An open database of better-sqlite3 or libsql, as far as it is used here. */
export interface SqliteDatabase {
  readonly inTransaction: boolean;
  /** Compiles one statement. */
  prepare(sql: string): SqliteStatement;
  /** Runs statements that take no parameters. */
  exec(sql: string): unknown;
  /** Releases the file. */
  close(): unknown;
}

/** The class of better-sqlite3 or libsql. */
export type SqliteDatabaseClass = new (path: string, options?: { timeout?: number }) => SqliteDatabase;

const packages = ["better-sqlite3", "libsql"];

/** The first of the known packages that is installed and works. */
export async function loadDatabaseClass(): Promise<SqliteDatabaseClass> {
  const causes: unknown[] = [];
  for (const name of packages) {
    try {
      const module = (await import(name)) as { default: SqliteDatabaseClass };
      // better-sqlite3 loads its addon, which may be none for this Node, when it opens the first database.
      new module.default(":memory:").close();
      return module.default;
    } catch (cause) {
      causes.push(cause);
    }
  }
  throw new TinyMlsError("config", `SQLite needs one of these packages to be installed: ${packages.join(", ")}`, {
    operation: "SqliteStorage.open",
    component: "storage",
    cause: new AggregateError(causes),
  });
}

const damaged = /^SQLITE_(CORRUPT|NOTADB|MISMATCH|FORMAT)/;
const passing = /^SQLITE_(BUSY|LOCKED|FULL|IOERR|NOMEM|INTERRUPT|PROTOCOL|CANTOPEN)/;

export const isBusy = (error: unknown): boolean => /^SQLITE_(BUSY|LOCKED)/.test(codeOf(error));

/** What a fault of the database is to the caller. Ours pass as they are. */
export function faultOf(operation: string, cause: unknown): TinyMlsError {
  if (cause instanceof TinyMlsError) return cause;
  const code = codeOf(cause);
  const reason = cause instanceof Error ? cause.message : String(cause);
  const details = { operation, component: "storage", cause };
  if (damaged.test(code)) return new TinyMlsError("malformed", `the SQLite file is damaged: ${reason}`, details);
  return new TinyMlsError("storage", `SQLite: ${reason}`, { ...details, retryable: passing.test(code) });
}

function codeOf(error: unknown): string {
  if (typeof error !== "object" || error === null) return "";
  const { code } = error as { code?: unknown };
  return typeof code === "string" ? code : "";
}
