// A PostgreSQL server for the length of the bench: the one that the tests start, where Debian's package is installed.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { PostgresStorage } from "tinymls/storage/postgres";
import { root, run, tool } from "../../scripts/run.mjs";

const compiled = join(root, ".test-build", "test", "storage", "postgres-server.js");
let started;

/** @returns {Promise<{ open(): Promise<import("tinymls").Storage> } | undefined>} undefined, and said so, where there is none */
export function postgres() {
  return (started ??= start());
}

async function start() {
  if (!existsSync(compiled)) await run(...tool("typescript/bin/tsc", "-p", "test"), { quiet: true });
  const { installed, PostgresServer, serverCommand } = await import(compiled);
  if (!installed) {
    console.log(`PostgreSQL: skipped, no server, install it with ${serverCommand}\n`);
    return undefined;
  }
  const server = new PostgresServer();
  await server.start();
  const { host, user, database } = server.address;
  const connectionString = `postgres://${user}@/${database}?host=${encodeURIComponent(host)}`;
  let schemas = 0;
  return {
    open: () => PostgresStorage.open({ connectionString, schema: `bench${++schemas}` }),
    remove: () => server.remove(),
  };
}

/** Ends the server, when one was started. */
export async function endPostgres() {
  await (await started)?.remove();
  started = undefined;
}
