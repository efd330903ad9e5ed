// npm run test:crash -- --kills N: as many in each storage, SQLite and, where it is installed, PostgreSQL.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { installed, PostgresServer, serverCommand } from "../storage/postgres-server.js";
import { Crashes, type CrashReport } from "./crashes.js";

const { values } = parseArgs({ options: { kills: { type: "string", default: "100" } } });
const kills = Number(values.kills);
if (!Number.isInteger(kills) || kills < 1) throw new Error("--kills takes a number");

function print(adapter: string, report: CrashReport): void {
  const all = Object.entries(report).map(([name, { kills: total, inTime }]) => `${name} ${inTime}/${total}`);
  console.log(
    `${adapter}: ${kills} kills, nothing lost, repeated or wedged. Killed before it answered: ${all.join(", ")}`,
  );
}

let skipped = 0;
const folder = mkdtempSync(join(tmpdir(), "tinymls-crash-"));
try {
  print("SQLite", await Crashes.run("sqlite", join(folder, "state.db"), kills));
} finally {
  rmSync(folder, { recursive: true, force: true });
}

if (installed) {
  const server = new PostgresServer();
  try {
    await server.start();
    const { host, user, database } = server.address;
    const connectionString = `postgres://${user}@/${database}?host=${encodeURIComponent(host)}`;
    print("PostgreSQL", await Crashes.run("postgres", JSON.stringify({ connectionString }), kills));
  } finally {
    await server.remove();
  }
} else {
  skipped = 1;
  console.log(`skipped: PostgreSQL is not installed (${serverCommand})`);
}
console.log(`${2 - skipped} passed, 0 failed${skipped === 0 ? "" : `, ${skipped} skipped`}`);
