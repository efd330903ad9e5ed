/** `tinymls/storage/postgres`: storage in a PostgreSQL database, by pg. */
export { PostgresStorage, type PostgresStorageOptions } from "./postgres/postgres-storage.js";
export type { PostgresClient, PostgresPool } from "./postgres/connection.js";
