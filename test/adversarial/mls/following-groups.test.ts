/** RFC 9420 §11.2, §11.3, §12.4.3.1: groups that follow another one, and those that are over. */
import { expect, test } from "@jest/globals";
import type { RuleId } from "tinymls";
import type { GroupContext, PreSharedKeyID, Proposal } from "tinymls/messages";
import { createGroup } from "#dist/mls/group/new-group.js";
import { disposeEpoch } from "#dist/mls/group/epoch.js";
import type { MemberState } from "#dist/mls/group/member-state.js";
import type { PskLookup } from "#dist/mls/group/psk-store.js";
import { retentionFrom } from "#dist/mls/schedule/index.js";
import { suiteOf } from "#dist/mls/suite/index.js";
import { forgeCommit } from "../../forge/commit.js";
import { Puppet } from "../../forge/puppet.js";
import { proveRefusal } from "../../forge/proof.js";
import { claim, forEachWorld } from "../../forge/refusals.js";
import { forgeWelcome, keyPackageIn } from "../../forge/welcome.js";
import { add, leaves, remove, World } from "../../forge/world.js";

interface Following {
  readonly usage: 2 | 3;
  readonly suite?: number;
  readonly members?: readonly string[];
  readonly groupId?: Buffer;
  readonly context?: (context: GroupContext) => GroupContext;
  /** The group that the PSK names. Default: that of the world. */
  readonly former?: Pick<MemberState, "epoch" | "resumptionPsk">;
  /** How many epochs before the current one the PSK names. */
  readonly epochsBefore?: bigint;
}

const everyone = ["alice", "bob", "dave", "grace"];
const next = Buffer.from("the next group");

/** The Welcome of a group that bob makes for carol and others, as one that follows the group of the world. */
async function following(
  world: World,
  { usage, suite: id, members = everyone, groupId = next, context, former = world.bob, epochsBefore = 0n }: Following,
): Promise<Buffer> {
  const suite = suiteOf(id ?? world.suite.id);
  const bob = world.pile.add(new Puppet(suite, "bob"));
  const epoch = createGroup({
    ...{ suite, groupId, extensions: [], identity: bob.identity, retention: retentionFrom() },
    ...{ lifetime: { notBefore: 0n, notAfter: 2n ** 40n }, now: Date.now },
  });
  world.pile.add({ dispose: () => disposeEpoch(epoch) });
  const { groupId: pskGroupId, epoch: formerEpoch } = former.epoch.context.value;
  const pskEpoch = formerEpoch - epochsBefore;
  const psk: PreSharedKeyID = { pskType: 2, usage, pskGroupId, pskEpoch, pskNonce: Buffer.alloc(suite.Nh, 4) };
  const psks: PskLookup = { external: () => undefined, resumption: (_, number) => former.resumptionPsk(number) };
  const carol = keyPackageIn(await (await world.client("carol")).createKeyPackage({ cipherSuite: suite.id }));
  const others = members.filter((name) => name !== "bob").map((name) => world.pile.add(new Puppet(suite, name)));
  const list: Proposal[] = [{ proposalType: 4, psk }, add(carol), ...others.map(({ own }) => add(own.value))];
  const committer = { leafIndex: 0, leaf: bob.leaf, signer: bob.signatureKey };
  const { pile } = world;
  const commit = forgeCommit(
    { pile, epoch, psks },
    committer,
    list.map((proposal) => ({ proposal })),
    { ...(context && { context }) },
  );
  return forgeWelcome(commit, suite, bob.signatureKey, {});
}

const branchOfBefore = { usage: 3, epochsBefore: 1n } as const;
const otherSuite = ({ suite }: World) => (suite.id === 1 ? 2 : 1);
type Case = [rule: RuleId, what: string, following: (world: World) => Following];
const branches: Case[] = [
  ["12.4.3.1/origin-epoch", "a branch in epoch 2", () => ({ usage: 3, context: (c) => ({ ...c, epoch: 2n }) })],
  ["11.3/parameters", "a branch of another suite", (w) => ({ usage: 3, suite: otherSuite(w) })],
  ["11.3/members", "a branch with someone else", () => ({ usage: 3, members: ["bob", "nina"] })],
  ["11.3/members", "a branch with one member twice", () => ({ usage: 3, members: ["bob", "dave", "dave"] })],
  ["11.3/members", "a branch of an epoch before, with someone else", () => ({ ...branchOfBefore, members: ["nina"] })],
  ["11.2/epoch", "the successor of a group that goes on", () => ({ usage: 2 })],
  ["11.2/epoch", "the successor of an epoch that a commit ended", () => ({ usage: 2, epochsBefore: 1n })],
];
const successors: Case[] = [
  ["12.4.3.1/origin-epoch", "a successor in epoch 0", () => ({ usage: 2, context: (c) => ({ ...c, epoch: 0n }) })],
  ["11.2/epoch", "the epoch before the ReInit", () => ({ usage: 2, epochsBefore: 1n })],
  ["11.2/parameters", "another group id", () => ({ usage: 2, groupId: Buffer.from("?") })],
  ["11.2/parameters", "another suite", (w) => ({ usage: 2, suite: otherSuite(w) })],
  [
    "11.2/parameters",
    "other extensions",
    () => ({
      usage: 2,
      context: (c) => ({ ...c, extensions: [{ extensionType: 3, extensionData: Buffer.alloc(3) }] }),
    }),
  ],
  ["11.2/members", "a member too few", () => ({ usage: 2, members: ["alice", "bob", "dave"] })],
  ["11.2/members", "another in the place of one", () => ({ usage: 2, members: ["alice", "bob", "dave", "nina"] })],
];

async function refused(world: World, rule: RuleId, welcome: Buffer, groups = 1): Promise<void> {
  const carol = await world.client("carol");
  await proveRefusal(claim(world, rule, world.carol), () => carol.joinGroup(welcome));
  expect(await carol.groups()).toHaveLength(groups);
}

forEachWorld((worldOf) => {
  test.each(branches)("%s: %s", async (rule, _, departure) => {
    const world = worldOf();
    await refused(world, rule, await following(world, departure(world)));
  });

  test("a branch that is one is joined", async () => {
    const world = worldOf();
    const carol = await world.client("carol");
    const group = await carol.joinGroup(await following(world, { usage: 3, members: ["bob", "dave"] }));
    await group.close();
  });

  test("a branch of an epoch before is one of those who were members then", async () => {
    const world = worldOf();
    const carol = await world.client("carol");
    const group = await carol.joinGroup(await following(world, { ...branchOfBefore, members: ["bob", "dave"] }));
    await group.close();
  });

  test("11.2/epoch: the PSK names another group, which goes on", async () => {
    const world = await World.create(worldOf().suite);
    try {
      const other = await (await world.client("carol")).createGroup({ groupId: Buffer.from("another group") });
      await reinitialize(world);
      const welcome = await following(world, { usage: 2, former: other.state! });
      await refused(world, "11.2/epoch", welcome, 2);
    } finally {
      await world.dispose();
    }
  }, 60_000);

  test("whether an epoch that is not kept was the last is not known: its PSK is missing", async () => {
    const world = worldOf();
    const carol = await world.client("carol");
    const { epoch } = world.carol;
    // Before carol joined, of which bob cannot know.
    const former = {
      epoch: world.bob.epoch,
      resumptionPsk: () => world.bob.epoch.secrets.resumptionPsk,
    };
    for (const usage of [2, 3] as const) {
      const welcome = await following(world, { usage, former, epochsBefore: epoch });
      const before = world.fingerprint(world.carol);
      await expect(carol.joinGroup(welcome)).rejects.toMatchObject({ code: "missing", rule: "12.4.2/psk-available" });
      expect(world.fingerprint(world.carol)).toEqual(before);
    }
  });

  test("once a group is reinitialized", async () => {
    const world = await World.create(worldOf().suite);
    try {
      await reinitialize(world);
      for (const [rule, , departure] of successors) {
        await refused(world, rule, await following(world, departure(world)));
      }
      const group = await (await world.client("carol")).joinGroup(await following(world, { usage: 2 }));
      await group.close();
    } finally {
      await world.dispose();
    }
  }, 60_000);
});

/** 11.2/reinitialized is seen on the way: no proposal and no commit is taken any more. */
async function reinitialize(world: World): Promise<void> {
  const { suite, carol, alice } = world;
  const extensions: never[] = [];
  const reinit: Proposal = { proposalType: 5, groupId: next, version: 1, cipherSuite: suite.id, extensions };
  await world.honestCommit([reinit]);
  expect(carol.reinitialized).toMatchObject({ groupId: next });
  for (const message of [world.proposal(remove(leaves.dave)), world.commit([]).bytes]) {
    await proveRefusal(claim(world, "11.2/reinitialized", carol), () => carol.receiveMessage(message));
  }
  expect(alice.reinitialized).toBeDefined();
}
