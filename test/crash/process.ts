// The process that is killed: process.js ADAPTER ADDRESS NOTES. Opens the storage when it is told to.
import type { Storage } from "tinymls";
import { PostgresStorage } from "tinymls/storage/postgres";
import { SqliteStorage } from "tinymls/storage/sqlite";
import { Alice } from "./alice.js";
import { Deathbed, NotedStorage } from "./noted-storage.js";
import type { Answer, Opening, Request } from "./protocol.js";

const [adapter, address, notes] = process.argv.slice(2);
const deathbed = new Deathbed();
let storage: NotedStorage;
let alice: Alice;

async function open({ leaseMs, dieInRenewal }: Opening): Promise<Answer> {
  const opened: Storage =
    adapter === "sqlite"
      ? await SqliteStorage.open(JSON.parse(address!))
      : await PostgresStorage.open(JSON.parse(address!));
  storage = new NotedStorage(opened, notes!, deathbed);
  alice = await Alice.open(storage, leaseMs);
  // From here on nothing is written but by the timer that renews the lease.
  if (dieInRenewal !== undefined) storage.dieInWrite(dieInRenewal);
  return { kind: alice.found };
}

function respond(message: Request | Opening): Promise<Answer> {
  if ("open" in message) return open(message);
  if (message.dieInWrite !== undefined) storage.dieInWrite(message.dieInWrite);
  return alice.answer(message);
}

process.on("message", (message: Request | Opening) => {
  respond(message).then(
    (given) => {
      if (!("unanswered" in message)) process.send!(given);
    },
    (error: unknown) => process.send!({ error: String(error) }),
  );
});
