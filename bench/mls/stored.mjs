// What loading a group that is sealed in a storage cannot do without, with nothing around it: the calls of the storage, the records
// opened, and handles for their secrets, made and wiped; the same with what the records say of the epoch decoded; and what is left for the
// operations that ask for it: the nodes of the tree, the private keys of nodes, a handle for each secret of the epoch.
import { Client, MemoryStorage, Vault } from "tinymls";
import { disposeStored, epochFrom } from "#dist/mls/durable/epoch-records.js";
import { RecordSet } from "#dist/mls/durable/record-set.js";
import { loadSecretTree } from "#dist/mls/durable/secret-tree-records.js";
import { openPublicRecord, openRecord, versionOf } from "#dist/mls/durable/stored-record.js";
import { TreeRecords } from "#dist/mls/durable/tree-records.js";
import { disposeSecrets } from "#dist/native/secret.js";
import { race } from "../race.mjs";
import { nameOf, presented, repeated } from "./lines.mjs";
import { strangers } from "./strangers.mjs";

const storageKey = { key: Buffer.alloc(32, 7) };
const sizes = [2, 10];
const bare = "bare";
const storageAlone = "the storage alone";
const decoded = "the epoch too";
const whole = "the group too";
const restored = "its tree and all keys too";

export async function storedAlone(plan) {
  const results = [];
  for (const members of sizes) results.push(await stored({ suite: 1, members, populated: false }, plan));
  return results;
}

async function stored(world, plan) {
  const storage = new MemoryStorage();
  const { eve, groupId, close } = await stranded(world, storage);
  const vault = await Vault.open(storage, storageKey);
  const { steps, open } = await contentsOf(storage, vault);
  const lease = Buffer.alloc(81); // as long as one
  const cycle = (name, use) => ({ name, ...repeated(use) });
  const times = await race(
    [
      cycle(bare, async () => {
        open(await steps.read());
        await steps.hold(lease);
        await steps.release();
      }),
      cycle(storageAlone, async () => {
        await steps.read();
        await steps.hold(lease);
        await steps.release();
      }),
      cycle(decoded, async () => {
        await steps.decode();
        await steps.hold(lease);
        await steps.release();
      }),
      cycle(whole, async () => (await eve.loadGroup(groupId)).close()),
      cycle(restored, async () => {
        const group = await eve.loadGroup(groupId);
        const { tree, keys, secrets } = group.publicEpoch;
        if (tree.memberCount !== world.members) throw new Error("another tree");
        keys.entries();
        secrets.entries();
        await group.close();
      }),
    ],
    plan,
  );
  vault.close();
  await close();
  const { unit, convert } = presented("us");
  const beside = (name) => [name, convert(times.of(bare) * times.ratio(name, bare))];
  return {
    name: `${nameOf("load", world)}: its storage, records and handles alone`,
    value: convert(times.of(bare)),
    unit,
    peers: Object.fromEntries([storageAlone, decoded, whole, restored].map(beside)),
  };
}

/** A client whose only group is in the storage, and closed. */
async function stranded({ suite, members }, storage) {
  const alice = await Client.create({ identity: "alice", cipherSuite: suite });
  const eve = await Client.create({ identity: "eve", cipherSuite: suite, storage, storageKey });
  const founded = await alice.createGroup();
  if (members > 2) await (await founded.commit({ add: await strangers(suite, members - 2) })).confirm();
  const { group } = await eve.joinExternal(await founded.groupInfo());
  await group.close();
  return { eve, groupId: group.groupId, close: () => Promise.all([alice.close(), eve.close()]) };
}

async function contentsOf(storage, vault) {
  const { records } = await storage.list("client/", { limit: 1000 });
  const head = records.find(({ key }) => /\/group\/[^/]+\/head$/.test(key));
  const prefix = head.key.slice(0, -"head".length);
  const leaseKey = `${prefix}lease`;
  const condition = { check: head.key, revision: head.revision };
  const steps = {
    read: async () => (await storage.list(prefix, { limit: 1000 })).records,
    hold: (value) => storage.write([condition, { put: leaseKey, value, revision: 0 }], { sync: false }),
    release: () => storage.write([condition, { delete: leaseKey }]),
    decode: async () => {
      const all = await new RecordSet(vault, prefix).readAll();
      const epoch = epochFrom(all.read("epoch"));
      const { suite, ownLeafIndex, context, encryptionSecret } = epoch;
      const { leafWidth } = new TreeRecords().load(all, suite, epoch.smallTree);
      const secretTree = loadSecretTree(all, `keys/${context.value.epoch}/`, suite, encryptionSecret, {
        leafCount: leafWidth,
        ownLeafIndex,
      });
      secretTree.dispose();
      disposeStored(epoch);
    },
  };
  const open = (found) => {
    for (const record of found) {
      const isSecret = record.key === `${prefix}epoch` || record.key.startsWith(`${prefix}keys/`);
      if (isSecret) disposeSecrets(openRecord(vault, record, versionOf(record)).secrets);
      else openPublicRecord(vault, record, versionOf(record));
    }
  };
  return { steps, open };
}
