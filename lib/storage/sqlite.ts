/** `tinymls/storage/sqlite`: storage in a SQLite file, by better-sqlite3 or libsql. */
export { SqliteStorage, type SqliteStorageOptions } from "./sqlite/sqlite-storage.js";
export type { SqliteDatabase, SqliteDatabaseClass, SqliteStatement } from "./sqlite/database.js";
