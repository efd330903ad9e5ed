// One process in many groups: what sending costs when each message is for another group, and how long the event loop is held up while
// joins and commits run beside.
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "tinymls";
import { race } from "../race.mjs";
import { floor, floorOf, recipes } from "./floor.mjs";
import { presented } from "./lines.mjs";
import { strangers } from "./strangers.mjs";

const full = { groups: 1000, members: 50, milliseconds: 5000 };
const quick = { groups: 5, members: 5, milliseconds: 200 };
const resolution = 1; // milliseconds, which the delays contain
export const roundRobinLine = "send 256 B in turn to 1,000 groups of 50 members";
export const delayLine = "delay of the event loop among them while joins and commits run, p99";

export async function manyGroups(plan) {
  const size = plan.rounds > 2 ? full : quick;
  const { alice, bob, groups, welcomes } = await joined(size);
  const data = Buffer.alloc(256, 0x5a);
  let at = 0;
  const send = () => groups[at++ % groups.length].sendMessage(data);
  const times = await race(
    [
      {
        name: "send",
        async run(iterations) {
          for (let i = 0; i < iterations; ++i) await send();
        },
      },
      floorOf(1, recipes({ suite: 1, members: size.members, populated: false }).send),
    ],
    plan,
  );
  const delay = await delayDuring(size.milliseconds, [
    send,
    async (i) => (await bob.joinGroup(welcomes[i % welcomes.length])).close(),
    async (i) => (await groups[(i * 7) % groups.length].commit({ update: true })).discard(),
  ]);
  await Promise.all([alice.close(), bob.close()]);
  return [
    times.result(roundRobinLine, "send", floor, [], presented("us")),
    { name: delayLine, value: delay.p99, unit: "ms", peers: { longest: delay.longest } },
  ];
}

async function joined({ groups: count, members }) {
  const alice = await Client.create({ identity: "alice" });
  const bob = await Client.create({ identity: "bob" });
  const add = [await bob.createKeyPackage({ lastResort: true }), ...(await strangers(1, members - 2))];
  const groups = [];
  const welcomes = [];
  for (let i = 0; i < count; ++i) {
    const group = await alice.createGroup();
    const pending = await group.commit({ add });
    await pending.confirm();
    groups.push(group);
    welcomes.push(pending.welcome);
  }
  return { alice, bob, groups, welcomes };
}

// All of them at once, each again and again, and each letting the others run in between.
async function delayDuring(milliseconds, operations) {
  const histogram = monitorEventLoopDelay({ resolution });
  const end = performance.now() + milliseconds;
  histogram.enable();
  await Promise.all(
    operations.map(async (operation) => {
      for (let i = 0; performance.now() < end; ++i) {
        await operation(i);
        await sleep(0);
      }
    }),
  );
  histogram.disable();
  const beyond = (nanoseconds) => Math.max(0.001, nanoseconds / 1e6 - resolution);
  return { p99: beyond(histogram.percentile(99)), longest: beyond(histogram.max) };
}
