// npm run test:crash -- --kills N: as many in each storage: SQLite, SQLite on a machine that loses its power with each, and, where it is
// installed, PostgreSQL.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { installed, PostgresServer, serverCommand } from "../storage/postgres-server.js";
import { Crashes, type CrashReport } from "./crashes.js";
import { KilledProcess } from "./killed-process.js";
import { Power } from "./power.js";

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

async function crash(title: string, setting: ConstructorParameters<typeof KilledProcess>[0]): Promise<void> {
  const begun = performance.now();
  const report = await Crashes.run(new KilledProcess(setting, Math.random), kills);
  print(title, report, performance.now() - begun);
  const spared = Object.entries(report).filter(([, { unanswered }]) => unanswered === 0);
  // Few kills may all come too late.
  if (kills >= 1000 && spared.length > 0)
    throw new Error(`never killed in: ${spared.map(([name]) => name).join(", ")}`);
}

const skipped: string[] = [];
const folder = mkdtempSync(join(tmpdir(), "tinymls-crash-"));
try {
  await crash("SQLite", { adapter: "sqlite", address: JSON.stringify(join(folder, "state.db")) });
  if (Power.missing === undefined) {
    const path = join(folder, "power.db");
    const setting = { adapter: "sqlite", address: JSON.stringify(path), power: new Power(path), forgetsReceived: true };
    await crash("SQLite, power lost with each kill", setting);
  } else {
    skipped.push(`SQLite, power lost: ${Power.missing}`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

if (installed) {
  const server = new PostgresServer();
  try {
    await server.start();
    const { host, user, database } = server.address;
    const connectionString = `postgres://${user}@/${database}?host=${encodeURIComponent(host)}`;
    await crash("PostgreSQL", { adapter: "postgres", address: JSON.stringify({ connectionString }) });
  } finally {
    await server.remove();
  }
} else {
  skipped.push(`PostgreSQL is not installed (${serverCommand})`);
}
for (const reason of skipped) console.log(`skipped: ${reason}`);
console.log(`${3 - skipped.length} passed, 0 failed${skipped.length === 0 ? "" : `, ${skipped.length} skipped`}`);
