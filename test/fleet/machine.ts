// One machine of the tests: machine.js ADAPTER ADDRESS. It seals as long as it is not told to stop, rotates now and then, and opens what it is
// sent. Its parent talks to it by messages.
import { Context, TinyMlsError } from "tinymls";
import { PostgresStorage } from "tinymls/storage/postgres";
import { SqliteStorage } from "tinymls/storage/sqlite";

/** What a machine reports at its end. */
export interface MachineReport {
  readonly sealed: number;
  readonly opened: number;
  /** Frames that came before their epoch did, and were opened when it had come. */
  readonly late: number;
  /** Codes of what was never opened. */
  readonly failures: string[];
  /** The epochs that it sealed under, in the order of time. */
  readonly epochs: number[];
}

export type ToMachine = { readonly frames: Uint8Array[] } | { readonly stop: true };
export type FromMachine =
  | { readonly ready: true }
  | { readonly frames: Uint8Array[] }
  | { readonly stopped: true }
  | { readonly report: MachineReport };

const [adapter, address] = process.argv.slice(2);
const storage =
  adapter === "sqlite"
    ? await SqliteStorage.open({ path: address!, pollMs: 20 })
    : await PostgresStorage.open(JSON.parse(address!));
const context = await Context.open({
  storage,
  name: "load",
  storageKey: { key: Buffer.alloc(32, 5) },
  gcInterval: 100,
  minKeyRotation: 1500,
  maxKeyAge: 12_000,
  stateLifetime: 120_000,
});

const send = (message: FromMachine) => process.send!(message);
const report = { sealed: 0, opened: 0, late: 0, failures: [] as string[], epochs: [] as number[] };
const pending = new Set<Promise<void>>();
const patience = 20_000;

/** Opens a frame, and tries again while its epoch has not come. */
async function open(frame: Uint8Array): Promise<void> {
  const start = performance.now();
  for (let tries = 1; ; ++tries) {
    try {
      const text = context.decrypt(frame).toString();
      if (!text.startsWith("frame ")) throw new Error(`another text: ${text}`);
      report.opened++;
      if (tries > 1) report.late++;
      return;
    } catch (error) {
      const code = error instanceof TinyMlsError ? error.code : String(error);
      if (code !== "missing" || performance.now() - start > patience) {
        report.failures.push(code);
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

const sealing = setInterval(() => {
  const frames: Buffer[] = [];
  for (let i = 0; i < 20; i++) frames.push(context.encrypt(`frame ${report.sealed++}`));
  const { epoch } = context;
  if (report.epochs.at(-1) !== epoch) report.epochs.push(epoch);
  send({ frames });
}, 25);

// Beside the schedule: machines that rotate at the same time race for the next epoch.
let rotation: Promise<unknown> = Promise.resolve();
const rotating = setInterval(() => {
  rotation = context.rotate().catch((error: unknown) => report.failures.push(String(error)));
}, 2500);

process.on("message", (message: ToMachine) => {
  if ("frames" in message) {
    for (const frame of message.frames) {
      const opening = open(frame).finally(() => pending.delete(opening));
      pending.add(opening);
    }
    return;
  }
  if (sealing.hasRef()) {
    clearInterval(sealing);
    clearInterval(rotating);
    sealing.unref();
    send({ stopped: true });
    return;
  }
  void Promise.all([...pending, rotation]).then(async () => {
    context.close(); // cuts a rotation short
    await storage.close();
    send({ report });
    process.disconnect();
  });
});
send({ ready: true });
