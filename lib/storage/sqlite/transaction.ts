import type { SqliteDatabase } from "./database.js";

/*
 * The locks are taken by `exec`, which leaves no statement behind. libsql does not reset a prepared statement that found the file
 * busy: such a one holds its connection to an old state of the file, where it reads what is over and can never write again. Within
 * a transaction that has its lock, none finds the file busy.
 */

/** Runs `use` in one transaction that reads: all its statements see one state. */
export function reading<T>(database: SqliteDatabase, use: () => T): T {
  return within(database, "BEGIN", () => {
    database.exec("SELECT 1 FROM sqlite_master LIMIT 1");
    return use();
  });
}

/** Runs `use` in one transaction that writes, and undoes it when `use` throws. */
export function writing<T>(database: SqliteDatabase, use: () => T): T {
  return within(database, "BEGIN IMMEDIATE", use);
}

function within<T>(database: SqliteDatabase, begin: string, use: () => T): T {
  // Outside: where it is refused the transaction that is open is that of whoever brought the database.
  database.exec(begin);
  try {
    const result = use();
    database.exec("COMMIT");
    return result;
  } catch (error) {
    // Some faults (a full disk, among others) have rolled back by themselves.
    if (database.inTransaction) database.exec("ROLLBACK");
    throw error;
  }
}
