// npm run test:crash -- --kills N: as many in each storage, SQLite and, where it is installed, PostgreSQL.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { installed, PostgresServer, serverCommand } from "../storage/postgres-server.js";
import { Crashes, type CrashReport } from "./crashes.js";
import { KilledProcess } from "./killed-process.js";

const { values } = parseArgs({ options: { kills: { type: "string", default: "100" } } });
const kills = Number(values.kills);
if (!Number.isInteger(kills) || kills < 1) throw new Error("--kills takes a number");

function print(adapter: string, report: CrashReport, ms: number): void {
  console.log(`${adapter}: ${kills} kills in ${(ms / 1000).toFixed(0)} s, nothing lost, repeated or wedged.`);
  console.log(`  ${"killed in".padEnd(12)}   times  unanswered  while writing`);
  for (const [operation, { count, unanswered, inWrite }] of Object.entries(report)) {
    const row = [`${count}`.padStart(5), `${unanswered}`.padStart(10), `${inWrite}`.padStart(13)];
    console.log(`  ${operation.padEnd(12)}   ${row.join("  ")}`);
  }
}

async function crash(title: string, adapter: string, address: string): Promise<void> {
  const begun = performance.now();
  const report = await Crashes.run(new KilledProcess(adapter, address, Math.random), kills);
  print(title, report, performance.now() - begun);
  const spared = Object.entries(report).filter(([, { unanswered }]) => unanswered === 0);
  // Few kills may all come too late.
  if (kills >= 1000 && spared.length > 0)
    throw new Error(`never killed in: ${spared.map(([name]) => name).join(", ")}`);
}

let skipped = 0;
const folder = mkdtempSync(join(tmpdir(), "tinymls-crash-"));
try {
  await crash("SQLite", "sqlite", join(folder, "state.db"));
} finally {
  rmSync(folder, { recursive: true, force: true });
}

if (installed) {
  const server = new PostgresServer();
  try {
    await server.start();
    const { host, user, database } = server.address;
    const connectionString = `postgres://${user}@/${database}?host=${encodeURIComponent(host)}`;
    await crash("PostgreSQL", "postgres", JSON.stringify({ connectionString }));
  } finally {
    await server.remove();
  }
} else {
  skipped = 1;
  console.log(`skipped: PostgreSQL is not installed (${serverCommand})`);
}
console.log(`${2 - skipped} passed, 0 failed${skipped === 0 ? "" : `, ${skipped} skipped`}`);
