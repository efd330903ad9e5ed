// The memory of a large group, native and JavaScript together: what a process of its own grows by for each group that it joins.
import { fork } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { strangers } from "./strangers.mjs";

const self = fileURLToPath(import.meta.url);
const copies = 3;
const commits = 3;
export const memoryLine = "memory of a group of 10,000 members";

export async function largeGroup(plan) {
  const members = plan.rounds > 2 ? 10_000 : 10;
  const child = fork(self, ["member"], { execArgv: ["--expose-gc"], serialization: "advanced" });
  const [keyPackages] = await once(child, "message");
  const { Client } = await import("tinymls");
  const alice = await Client.create({ identity: "alice" });
  const group = await alice.createGroup();
  const others = await strangers(1, members - 1 - keyPackages.length);
  const added = await group.commit({ add: [...others, ...keyPackages.map((bytes) => Buffer.from(bytes))] });
  await added.confirm();
  const epochs = [];
  for (let i = 0; i < commits; ++i) {
    const pending = await group.commit({ update: true });
    await pending.confirm();
    epochs.push(pending.commit);
  }
  child.send({ welcome: added.welcome, commits: epochs });
  const [{ fresh, heap, later }] = await once(child, "message");
  await alice.close();
  const megabytes = (octets) => octets / 1e6;
  return [
    {
      name: memoryLine,
      value: megabytes(fresh),
      unit: "MB",
      peers: { "of it JavaScript": megabytes(heap), [`after ${commits} further epochs`]: megabytes(later) },
    },
  ];
}

// The first group shows the process how much memory joining takes for a while; those after it count.
async function member() {
  const { Client } = await import("tinymls");
  const clients = await Promise.all(
    Array.from({ length: copies + 1 }, (_, index) => Client.create({ identity: `copy ${index}` })),
  );
  process.send(await Promise.all(clients.map((client) => client.createKeyPackage())));
  const [{ welcome, commits }] = await once(process, "message");
  const groups = [];
  const join = async (client) => groups.push(await client.joinGroup(welcome));
  const follow = async (group) => {
    for (const commit of commits) {
      const { kind } = await group.receiveMessage(commit);
      if (kind !== "commit") throw new Error(`a commit was not received: ${kind}`);
    }
  };
  const [first, ...others] = clients;
  await join(first);
  await follow(groups[0]);
  await settled();
  const before = process.memoryUsage();
  for (const client of others) await join(client);
  await settled();
  const joined = process.memoryUsage();
  for (const group of groups.slice(1)) await follow(group);
  await settled();
  const later = process.memoryUsage();
  const each = (after, kind) => Math.max(1, (after[kind] - before[kind]) / copies);
  process.send({ fresh: each(joined, "rss"), heap: each(joined, "heapUsed"), later: each(later, "rss") });
  for (const client of clients) await client.close();
  process.disconnect();
}

async function settled() {
  for (let i = 0; i < 3; ++i) {
    globalThis.gc();
    await sleep(20);
  }
}

if (process.argv[1] === self && process.argv[2] === "member") await member();
