// Taking in many messages of many senders, at once and one at a time.
import { Client } from "tinymls";
import { race } from "../race.mjs";
import { floor, floorOf, recipes } from "./floor.mjs";
import { presented } from "./lines.mjs";
import { strangers } from "./strangers.mjs";

const full = { members: 1000, senders: 20, messages: 1000 };
const quick = { members: 10, senders: 4, messages: 20 };
const atOnce = "receiveMessages";
const single = "one at a time";
export const batchLine = "receive 1,000 messages of 20 senders at once, a message";
export { single };

export async function batches(plan) {
  const { members, senders, messages } = plan.rounds > 2 ? full : quick;
  const world = { suite: 1, members, populated: false };
  const { receiver, groups, close } = await talkative(world, senders);
  const data = Buffer.alloc(256, 0x5a);
  let waiting = [];
  // In turns, so that no ratchet is far ahead. One receiver takes in all of them, whichever way.
  const prepare = async (iterations) => {
    waiting = [];
    for (let i = 0; i < iterations * messages; ++i) waiting.push(await groups[i % senders].sendMessage(data));
  };
  const times = await race(
    [
      { name: atOnce, each: messages, prepare, run: async () => requireAll(await receiver.receiveMessages(waiting)) },
      {
        name: single,
        each: messages,
        prepare,
        async run() {
          for (const message of waiting) requireAll([await receiver.receiveMessage(message)]);
        },
      },
      floorOf(world.suite, recipes(world).receive),
    ],
    plan,
  );
  await close();
  return [times.result(batchLine, atOnce, floor, [single], presented("us"))];
}

function requireAll(outcomes) {
  const refused = outcomes.find(({ kind }) => kind !== "application");
  if (refused !== undefined) throw new Error(`a message was not received: ${refused.kind}`);
}

async function talkative({ suite, members }, senders) {
  const clients = [];
  for (let i = 0; i < senders + 2; ++i) {
    clients.push(await Client.create({ identity: `client ${i}`, cipherSuite: suite }));
  }
  const [alice, ...others] = clients;
  const keyPackages = await Promise.all(others.map((client) => client.createKeyPackage()));
  const group = await alice.createGroup();
  const added = await group.commit({ add: [...keyPackages, ...(await strangers(suite, members - clients.length))] });
  await added.confirm();
  const groups = [];
  for (const client of others) groups.push(await client.joinGroup(added.welcome));
  return {
    receiver: groups.pop(),
    groups,
    close: () => Promise.all(clients.map((client) => client.close())),
  };
}
