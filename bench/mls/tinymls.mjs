// tinymls through its public interface.
import { Client, MemoryStorage } from "tinymls";
import { consuming, repeated } from "./lines.mjs";

export const name = "tinymls";

const storageKey = { key: Buffer.alloc(32, 7) };

/** @param world `{ suite, members, populated }` */
export async function create({ suite }) {
  const storage = new MemoryStorage();
  const eve = await Client.create({ identity: "eve", cipherSuite: suite, storage, storageKey });
  return new TinyMls([...(await clients(suite, ["alice", "bob", "carol", "dave"])), eve]);
}

function clients(cipherSuite, identities) {
  return Promise.all(identities.map((identity) => Client.create({ identity, cipherSuite })));
}

class TinyMls {
  #alice; // made the group
  #bob; // its last member
  #carol; // joins, and leaves at once
  #dave; // is added, never joins
  #eve; // joined on her own, keeps her groups sealed in a storage
  #hers;
  #his;

  constructor([alice, bob, carol, dave, eve]) {
    this.#alice = alice;
    this.#bob = bob;
    this.#carol = carol;
    this.#dave = dave;
    this.#eve = eve;
  }

  /**
   * All members added by one commit: `others` and one of this contender.
   * @returns the lines, as contenders without a name
   */
  async flat(others) {
    const invited = await this.#invitation(others);
    this.#hers = await this.#alice.createGroup();
    const added = await this.#hers.commit({ add: [...others, await this.#bob.createKeyPackage()] });
    await added.confirm();
    this.#his = await this.#bob.joinGroup(added.welcome);
    const solo = await this.#alice.createGroup();
    const add = [...others, await this.#dave.createKeyPackage()];
    return { addAll: tried(() => solo.commit({ add })), ...(await this.#lines(invited)) };
  }

  /** Key packages of the two members that stay, of the one that joins again and again, of one that never does. */
  async keyPackages() {
    const carols = await this.#carol.createKeyPackage({ lastResort: true });
    const [alices, bobs, daves] = await Promise.all(
      [this.#alice, this.#bob, this.#dave].map((client) => client.createKeyPackage()),
    );
    return [alices, bobs, carols, daves];
  }

  /** Two members join a group of which all others committed, and each commits. */
  async enter({ welcome, ...invitation }) {
    this.#hers = await this.#alice.joinGroup(welcome);
    this.#his = await this.#bob.joinGroup(welcome);
    await received(this.#his, "commit")(await published(this.#hers.commit({ update: true })));
    await received(this.#hers, "commit")(await published(this.#his.commit({ update: true })));
    return this.#lines(invitation);
  }

  // Two Welcomes for Carol to the same group, with its tree and without, and the tree. The commits are forgotten, and the key package
  // is of last resort: she may join as often as she likes.
  async #invitation(others) {
    const group = await this.#alice.createGroup();
    const add = [...others, await this.#carol.createKeyPackage({ lastResort: true })];
    const inline = await group.commit({ add });
    await inline.discard();
    const apart = await group.commit({ add, ratchetTree: false });
    await apart.confirm();
    const ratchetTree = group.ratchetTree();
    await group.close();
    return { inline: inline.welcome, apart: apart.welcome, ratchetTree };
  }

  async #lines({ inline, apart, ratchetTree }) {
    const [alice, carol, hers, his] = [this.#alice, this.#carol, this.#hers, this.#his];
    const data = Buffer.alloc(256, 0x5a);
    const add = [await this.#dave.createKeyPackage()];
    const groupInfo = await hers.groupInfo();
    const removed = his.ownLeafIndex >> 1;
    return {
      create: passing(() => alice.createGroup()),
      join: passing(() => carol.joinGroup(inline)),
      joinApart: passing(() => carol.joinGroup(apart, { ratchetTree })),
      send: repeated(() => hers.sendMessage(data)),
      // What she takes in he has made: of his ratchets she has seen as much as he has used.
      receive: consuming(() => his.sendMessage(data), received(hers, "application")),
      commit: tried(() => hers.commit({ update: true })),
      ...(removed > 0 ? { remove: tried(() => hers.commit({ remove: [removed] })) } : {}),
      addOne: tried(() => hers.commit({ add })),
      externalJoin: passing(async () => (await carol.joinExternal(groupInfo)).group),
      load: await this.#loaded(groupInfo),
      process: consuming(() => published(his.commit({ update: true })), received(hers, "commit")),
    };
  }

  // What is in the storage is complete at any moment: closing writes the rest, if there is any.
  async #loaded(groupInfo) {
    let { group } = await this.#eve.joinExternal(groupInfo);
    const { groupId } = group;
    return repeated(async () => {
      await group.close();
      group = await this.#eve.loadGroup(groupId);
    });
  }

  async close() {
    const clients = [this.#alice, this.#bob, this.#carol, this.#dave, this.#eve];
    await Promise.all(clients.map((client) => client.close()));
  }
}

// A group that is closed at once.
const passing = (begin) => repeated(async () => (await begin()).close());

// A commit that is given up at once.
const tried = (commit) => repeated(async () => (await commit()).discard());

const received = (group, kind) => async (message) => {
  const outcome = await group.receiveMessage(message);
  if (outcome.kind !== kind) throw new Error(`not received: ${outcome.kind}, ${outcome.rule ?? outcome.code}`);
};

async function published(committing) {
  const pending = await committing;
  await pending.confirm();
  return pending.commit;
}
