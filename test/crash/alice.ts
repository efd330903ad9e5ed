// The process that is killed: alice.js ADAPTER ADDRESS. Does what its parent asks for, one thing at a time, and says what came of it.
import { Client, type Group, type Received, type Storage } from "tinymls";
import { PostgresStorage } from "tinymls/storage/postgres";
import { SqliteStorage } from "tinymls/storage/sqlite";
import { pskId, type Answer, type Request } from "./protocol.js";

const [adapter, address] = process.argv.slice(2);
const storage: Storage =
  adapter === "sqlite" ? await SqliteStorage.open(address!) : await PostgresStorage.open(JSON.parse(address!));
const client = await Client.create({ identity: "alice", storage, storageKey: { key: Buffer.alloc(32, 7) } });
const [groupId] = await client.groups();
let group: Group | undefined = groupId && (await client.loadGroup(groupId));

function told(outcome: Received): Answer {
  const data = outcome.kind === "application" ? outcome.data : undefined;
  return { kind: outcome.kind === "rejected" ? `rejected ${outcome.rule}` : outcome.kind, data };
}

async function answer(request: Request): Promise<Answer> {
  switch (request.ask) {
    case "keyPackage":
      return { data: await client.createKeyPackage() };
    case "join":
      group = await client.joinGroup(request.data);
      return {};
    case "send":
      return { data: await group!.sendMessage(request.data) };
    case "receive":
      return told(await group!.receiveMessage(request.data));
    case "psk":
      await client.addPsk(pskId, Buffer.alloc(32, 9));
      return {};
    case "propose":
      return { data: await group!.proposeUpdate() };
    case "commit":
      return { data: (await group!.commit({ update: true })).commit };
    case "confirm":
      await group!.pendingCommit?.confirm();
      return {};
    case "discard":
      await group!.pendingCommit?.discard();
      return {};
    case "rebase":
      return { data: (await group!.pendingCommit!.rebase()).commit };
    case "look":
      return { epoch: group!.epoch, data: group!.epochAuthenticator(), pending: group!.pendingCommit?.commit };
  }
}

process.on("message", (request: Request) => {
  answer(request).then(
    (given) => process.send!(given),
    (error: unknown) => process.send!({ error: String(error) }),
  );
});
process.send!({ kind: group === undefined ? "new" : "loaded" });
