// A process of the tests: child.js FILE NAME PEERS. Publishes a group of its own, joins those of so many peers by the directory, and
// prints what it holds in the end.
import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { Client, trustBasicCredentials } from "tinymls";
import { GroupDirectory, storageReplica } from "tinymls/discovery";
import { SqliteStorage } from "tinymls/storage/sqlite";

const [file, name, peers] = process.argv.slice(2);
const storage = await SqliteStorage.open({ path: file!, pollMs: 10 });
const directory = await GroupDirectory.open({
  authentication: trustBasicCredentials,
  mayPublish: () => true,
  replicas: [storageReplica(storage)],
});
const client = await Client.create({ identity: name! });
await directory.publish(await client.createGroup());

const joined: string[] = [];
while ((await directory.list()).length <= Number(peers)) await sleep(5);
for (const { groupInfo, publisher } of await directory.list()) {
  if (publisher.identity.toString() === name) continue;
  const { group } = await client.joinExternal(groupInfo);
  joined.push(`${publisher.identity.toString()} ${group.epoch}`);
}
await directory.settled();
const state = createHash("sha256").update(directory.encode()).digest("hex");
console.log(JSON.stringify({ joined: joined.sort(), state }));
await directory.close();
await storage.close();
await client.close();
