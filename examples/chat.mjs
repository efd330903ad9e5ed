// A group of three, and a delivery service that puts everything in order: the first commit of an epoch wins.
import { Client } from "tinymls";

const [alice, bob, carol] = await Promise.all(["alice", "bob", "carol"].map((identity) => Client.create({ identity })));
const members = new Map();

/** What a delivery service does: everyone but the sender gets the message. */
async function deliver(from, message) {
  for (const [name, group] of members) {
    if (name === from) continue;
    const received = await group.receiveMessage(message);
    if (received.kind === "application")
      console.log(`${name} reads from ${received.sender.identity}: ${received.data}`);
    else console.log(`${name}: ${received.kind}, epoch ${group.epoch}`);
  }
}

members.set("alice", await alice.createGroup());
for (const [name, client] of [
  ["bob", bob],
  ["carol", carol],
]) {
  const pending = await members.get("alice").commit({ add: [await client.createKeyPackage()] });
  await deliver("alice", pending.commit);
  await pending.confirm();
  members.set(name, await client.joinGroup(pending.welcome));
}
await deliver("bob", await members.get("bob").sendMessage("hello, both of you"));

await Promise.all([alice, bob, carol].map((client) => client.close()));
