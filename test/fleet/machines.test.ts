// Four processes with one storage rotate and seal through one fleet: every frame opens everywhere, there is one order of epochs, and no nonce
// comes twice. For ten seconds; TINYMLS_FLEET_SECONDS=60, as in CI, makes it a minute on PostgreSQL.
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { installed, PostgresServer, serverCommand } from "../storage/postgres-server.js";
import type { FromMachine, MachineReport, ToMachine } from "./machine.js";

const program = join(import.meta.dirname, "machine.js");
const seconds = 10;
const serverSeconds = Number(process.env["TINYMLS_FLEET_SECONDS"] ?? seconds);
const count = 4;

const folder = mkdtempSync(join(tmpdir(), "tinymls-fleet-"));
afterAll(() => rmSync(folder, { recursive: true }));

class Machine {
  readonly child: ChildProcess;
  readonly exit: Promise<unknown[]>;
  readonly #waiting = new Map<string, (message: FromMachine) => void>();

  constructor(adapter: string, address: string, relay: (frames: Uint8Array[]) => void) {
    this.child = fork(program, [adapter, address], { serialization: "advanced", execArgv: ["--no-warnings"] });
    this.exit = once(this.child, "exit");
    this.child.on("message", (message: FromMachine) => {
      if ("frames" in message) relay(message.frames);
      else for (const kind of Object.keys(message)) this.#waiting.get(kind)?.(message);
    });
  }

  send(message: ToMachine): void {
    this.child.send(message);
  }

  async next(kind: "ready" | "stopped" | "report"): Promise<FromMachine> {
    const ended = this.exit.then(() => {
      throw new Error("the machine ended");
    });
    return await Promise.race([new Promise<FromMachine>((resolve) => this.#waiting.set(kind, resolve)), ended]);
  }
}

async function run(
  adapter: string,
  address: string,
  forSeconds: number,
): Promise<{ reports: MachineReport[]; nonces: number; sealed: number }> {
  // Epoch, step, sender and sequence number: the key and the nonce of a frame.
  const nonces = new Set<string>();
  let sealed = 0;
  const machines: Machine[] = [];
  for (let i = 0; i < count; i++) {
    machines.push(
      new Machine(adapter, address, (frames) => {
        for (const frame of frames) nonces.add(Buffer.from(frame).toString("latin1", 1, 23));
        sealed += frames.length;
        machines.forEach((other, j) => j !== i && other.send({ frames }));
      }),
    );
  }
  try {
    await Promise.all(machines.map((machine) => machine.next("ready")));
    await new Promise((resolve) => setTimeout(resolve, forSeconds * 1000));
    const all = async (kind: "stopped" | "report") => {
      const told = machines.map((machine) => machine.next(kind));
      for (const machine of machines) machine.send({ stop: true });
      return await Promise.all(told);
    };
    await all("stopped");
    const reports = (await all("report")).map((message) => (message as { report: MachineReport }).report);
    await Promise.all(machines.map(({ exit }) => exit));
    return { reports, nonces: nonces.size, sealed };
  } finally {
    for (const { child } of machines) child.kill("SIGKILL");
  }
}

async function hold(adapter: string, address: string, forSeconds: number): Promise<void> {
  const { reports, nonces, sealed } = await run(adapter, address, forSeconds);
  expect(reports.flatMap(({ failures }) => failures)).toEqual([]);
  expect(reports.reduce((sum, report) => sum + report.sealed, 0)).toBe(sealed);
  expect(nonces).toBe(sealed);
  for (const report of reports) {
    expect(report.opened).toBe(sealed - report.sealed);
    expect(report.sealed).toBeGreaterThan(100);
    // One order of epochs, which each machine went through without stepping back.
    expect(report.epochs).toEqual([...new Set(report.epochs)].sort((a, b) => a - b));
    expect(report.epochs.at(-1)).toBeGreaterThanOrEqual(2);
  }
}

test(
  "SQLite: four processes, one fleet",
  async () => {
    await hold("sqlite", join(folder, "fleet.db"), seconds);
    // At rest nothing is in the clear: not even what the storage key itself looks like.
    const files = readdirSync(folder).map((name) => readFileSync(join(folder, name)));
    expect(files.some((octets) => octets.includes("context/load/epoch/0000000001"))).toBe(true);
    expect(files.some((octets) => octets.includes(Buffer.alloc(32, 5)))).toBe(false);
  },
  120_000 + seconds * 1000,
);

if (installed) {
  let server: PostgresServer;
  beforeAll(async () => {
    server = new PostgresServer();
    await server.start();
  }, 60_000);
  afterAll(() => server.remove(), 60_000);

  test(
    "PostgreSQL: four processes, one fleet",
    async () => {
      const { host, user, database } = server.address;
      const connectionString = `postgres://${user}@/${database}?host=${encodeURIComponent(host)}`;
      await hold("postgres", JSON.stringify({ connectionString, schema: "fleet" }), serverSeconds);
    },
    120_000 + serverSeconds * 1000,
  );
} else {
  test.skip(`PostgreSQL: no server, install it with ${serverCommand}`, () => undefined);
}
