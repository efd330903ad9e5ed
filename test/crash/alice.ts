// The process that is killed: alice.js ADAPTER ADDRESS NOTES. Opens the storage when it is told to, then does what its parent asks for, one
// thing at a time, and says what came of it.
import { Client, type Group, type Received, type Storage } from "tinymls";
import { PostgresStorage } from "tinymls/storage/postgres";
import { SqliteStorage } from "tinymls/storage/sqlite";
import { Deathbed, NotedStorage } from "./noted-storage.js";
import { pskId, type Answer, type Opening, type Request } from "./protocol.js";

const [adapter, address, notes] = process.argv.slice(2);
const deathbed = new Deathbed();

class Alice {
  readonly #storage: NotedStorage;
  readonly #client: Client;
  #group: Group | undefined;

  private constructor(storage: NotedStorage, client: Client, group: Group | undefined) {
    this.#storage = storage;
    this.#client = client;
    this.#group = group;
  }

  static async open({ leaseMs, dieInRenewal }: Opening): Promise<Alice> {
    const opened: Storage =
      adapter === "sqlite" ? await SqliteStorage.open(address!) : await PostgresStorage.open(JSON.parse(address!));
    const storage = new NotedStorage(opened, notes!, deathbed);
    const client = await Client.create({
      identity: "alice",
      storage,
      storageKey: { key: Buffer.alloc(32, 7) },
      leaseMs,
    });
    const [groupId] = await client.groups();
    const group = groupId && (await client.loadGroup(groupId));
    // From here on nothing is written but by the timer that renews the lease.
    if (dieInRenewal !== undefined) storage.dieInWrite(dieInRenewal);
    return new Alice(storage, client, group);
  }

  get found(): string {
    return this.#group === undefined ? "new" : "loaded";
  }

  async answer(request: Request): Promise<Answer> {
    if (request.dieInWrite !== undefined) this.#storage.dieInWrite(request.dieInWrite);
    switch (request.ask) {
      case "keyPackage":
        return { data: await this.#client.createKeyPackage() };
      case "join":
        this.#group = await this.#client.joinGroup(request.data);
        return {};
      case "visit":
        return { data: ((await this.#visited()) ?? (await this.#client.joinGroup(request.data))).epochAuthenticator() };
      case "leave":
        await (await this.#visited())?.close({ forget: true });
        return { kind: `${(await this.#client.groups()).length}` };
      case "psk":
        await this.#client.addPsk(pskId, request.data);
        return {};
      default:
        return this.#inGroup(request, this.#group!);
    }
  }

  async #inGroup(request: Request, group: Group): Promise<Answer> {
    switch (request.ask) {
      case "send":
        return { data: await group.sendMessage(request.data) };
      case "receive":
        return told(await group.receiveMessage(request.data));
      case "propose":
        return { data: await group.proposeUpdate() };
      case "commit":
        return { data: (await group.commit({ update: true })).commit };
      case "confirm":
        await group.pendingCommit?.confirm();
        return {};
      case "discard":
        await group.pendingCommit?.discard();
        return {};
      case "rebase":
        return { data: (await group.pendingCommit!.rebase()).commit };
      case "look":
        return { epoch: group.epoch, data: group.epochAuthenticator(), pending: group.pendingCommit?.commit };
      default:
        throw new Error(`no answer to ${request.ask}`);
    }
  }

  /** The group besides that with Bob. */
  async #visited(): Promise<Group | undefined> {
    const [, groupId] = await this.#client.groups();
    return groupId && (await this.#client.loadGroup(groupId));
  }
}

function told(outcome: Received): Answer {
  const data = outcome.kind === "application" ? outcome.data : undefined;
  return { kind: outcome.kind === "rejected" ? `rejected ${outcome.rule}` : outcome.kind, data };
}

let alice: Alice;

async function respond(message: Request | Opening): Promise<Answer> {
  if (!("open" in message)) return alice.answer(message);
  alice = await Alice.open(message);
  return { kind: alice.found };
}

process.on("message", (message: Request | Opening) => {
  respond(message).then(
    (given) => process.send!(given),
    (error: unknown) => process.send!({ error: String(error) }),
  );
});
