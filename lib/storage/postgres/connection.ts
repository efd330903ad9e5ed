import { TinyMlsError } from "../../errors.js";
import { conflict } from "../check.js";

/** A connection of `pg`, as far as it is used here. */
export interface PostgresClient {
  /** Runs one statement. */
  query(text: string, values?: unknown[]): Promise<{ rows: unknown[] }>;
  /** Gives the connection back to its pool, or ends it. */
  release(destroy?: boolean): void;
  /** Hears of NOTIFY. */
  on(event: "notification", listener: (message: { payload?: string | undefined }) => void): unknown;
  /** Hears that the connection broke or ended. */
  on(event: "error" | "end", listener: () => void): unknown;
}

/** A `Pool` of `pg`, as far as it is used here. */
export interface PostgresPool {
  /** Lends a connection. */
  connect(): Promise<PostgresClient>;
  /** Runs one statement on any connection. */
  query(
    text: string | { name: string; text: string; values: unknown[] },
    values?: unknown[],
  ): Promise<{ rows: unknown[] }>;
  /** Ends all connections. */
  end(): Promise<void>;
  /** Hears of idle connections that broke. */
  on(event: "error", listener: (error: Error) => void): unknown;
}

type PoolClass = new (options: object) => PostgresPool;

export async function loadPool(options: object): Promise<PostgresPool> {
  const name = "pg";
  let Pool: PoolClass;
  try {
    const module = (await import(name)) as { default: { Pool: PoolClass } };
    ({ Pool } = module.default);
  } catch (cause) {
    const details = { operation: "PostgresStorage.open", component: "storage", cause };
    throw new TinyMlsError("config", "PostgreSQL needs the package pg to be installed", details);
  }
  const pool = new Pool(options);
  // A connection that breaks while idle is replaced by the pool; unheard, the event would end the process.
  pool.on("error", () => undefined);
  return pool;
}

/** The SQLSTATE that our function raises for a key that is not where the write expects it; its message is the key. */
export const conflictState = "TM409";

/** Serialization failure and deadlock: the server undid the transaction and wants it to be tried again. */
export const isContention = (error: unknown): boolean => ["40001", "40P01"].includes(stateOf(error));

// Connection exceptions, lack of resources (a full disk), operator intervention (a restart), faults of the system, contention.
const passing = /^(08|53|57|58|40|55P03|25006)/;
const refused = /^(28|3D|3F|42|22|23|0A|25)/;

/** What a fault of the server or of the connection is to the caller. */
export function faultOf(operation: string, cause: unknown): TinyMlsError {
  if (cause instanceof TinyMlsError) return cause;
  const state = stateOf(cause);
  const reason = cause instanceof Error ? cause.message : String(cause);
  const details = { operation, component: "storage", cause };
  if (state === conflictState) return conflict(reason);
  if (/^XX00[12]$/.test(state)) return new TinyMlsError("malformed", `the database is damaged: ${reason}`, details);
  // Without a SQLSTATE it is the connection: refused, reset, or ended in the middle, when a write may have happened or not.
  const retryable = passing.test(state) || !refused.test(state);
  return new TinyMlsError("storage", `PostgreSQL: ${reason}`, { ...details, retryable });
}

function stateOf(error: unknown): string {
  if (typeof error !== "object" || error === null) return "";
  const { code } = error as { code?: unknown };
  return typeof code === "string" ? code : "";
}
