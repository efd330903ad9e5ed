/** Steps that begin a group that follows another one: reinitialization and branching. */
import { randomUUID } from "node:crypto";
import type { StepRunner } from "./runner.js";
import { extensions, flag, index, text, texts } from "./script.js";
import type { World } from "./world.js";

const reinit: StepRunner = async (world, step) => {
  const [committer, welcomer] = [text(step, "committer"), text(step, "welcomer")];
  const proposer = step["proposer"] as string | undefined;
  const all = new Set([committer, welcomer, ...texts(step, "members"), ...(proposer === undefined ? [] : [proposer])]);
  const groupId = world.followingId(flag(step, "changegroupid"));
  if (flag(step, "changeciphersuite")) world.changeSuite();
  const { cipherSuite } = world;

  let proposal: Buffer;
  if (proposer === undefined) proposal = world.result(index(step, "externalreinitproposal"), "proposal");
  else {
    const wanted = { stateId: world.stateId(proposer), cipherSuite, groupId, extensions: extensions(step) };
    proposal = (await world.call(proposer, "ReInitProposal", wanted)).proposal;
  }
  const stateId = world.stateId(committer);
  const { commit } = await world.call(committer, "ReInitCommit", { stateId, byReference: [proposal] });
  const own = await world.call(committer, "HandlePendingReInitCommit", { stateId });
  const ended = new Map([[committer, own]]);
  for (const member of all) {
    if (member === committer) continue;
    const request = { stateId: world.stateId(member), proposal: [proposal], commit };
    const handled = await world.call(member, "HandleReInitCommit", request);
    expectSame(member, handled.epochAuthenticator, own.epochAuthenticator);
    ended.set(member, handled);
  }

  const others = [...all].filter((member) => member !== welcomer);
  const begun = await world.call(welcomer, "ReInitWelcome", {
    reinitId: ended.get(welcomer)!.reinitId,
    keyPackage: others.map((member) => ended.get(member)!.keyPackage),
    forcePath: flag(step, "forcepath"),
    externalTree: flag(step, "externaltree"),
  });
  world.states.set(welcomer, begun.stateId);
  const { welcome, ratchetTree, epochAuthenticator } = begun;
  for (const member of others) {
    const request = { reinitId: ended.get(member)!.reinitId, welcome, ratchetTree };
    const joined = await world.call(member, "HandleReInitWelcome", request);
    expectSame(member, joined.epochAuthenticator, epochAuthenticator);
    world.states.set(member, joined.stateId);
  }
  await world.agree([...all], epochAuthenticator);
};

const branch: StepRunner = async (world, step) => {
  const actor = text(step, "actor");
  const members = texts(step, "members");
  const packages = await Promise.all(members.map((member) => world.createKeyPackage(member)));
  const { stateId, welcome, ratchetTree, epochAuthenticator } = await world.call(actor, "CreateBranch", {
    stateId: world.stateId(actor),
    groupId: Buffer.from(randomUUID()),
    extensions: extensions(step),
    keyPackages: packages.map(({ keyPackage }) => keyPackage),
    forcePath: flag(step, "forcepath"),
    externalTree: flag(step, "externaltree"),
  });
  const former = new Map(world.states);
  world.states.set(actor, stateId);
  for (const [place, member] of members.entries()) {
    const { transactionId } = packages[place]!;
    const request = { stateId: world.stateId(member), transactionId, welcome, ratchetTree };
    const joined = await world.call(member, "HandleBranch", request);
    expectSame(member, joined.epochAuthenticator, epochAuthenticator);
    world.states.set(member, joined.stateId);
  }
  await world.agree([actor, ...members], epochAuthenticator);
  await goesOn(world, [actor, ...members], former);
};

/** The group that was branched from is as it was: its members still talk in it. Then it is over for this scenario. */
async function goesOn(world: World, members: readonly string[], former: ReadonlyMap<string, number>): Promise<void> {
  const [sender, ...receivers] = members;
  const plaintext = Buffer.from("the old group");
  const { ciphertext } = await world.call(sender!, "Protect", { stateId: former.get(sender!)!, plaintext });
  for (const receiver of receivers) {
    const opened = await world.call(receiver, "Unprotect", { stateId: former.get(receiver)!, ciphertext });
    if (!opened.plaintext.equals(plaintext)) throw new Error(`${receiver} reads something else in the old group`);
  }
  await Promise.all(members.map((member) => world.call(member, "Free", { stateId: former.get(member)! })));
}

/** A member came to the epoch of whoever began it. */
export function expectSame(actor: string, epochAuthenticator: Buffer, expected: Buffer): void {
  if (!epochAuthenticator.equals(expected)) throw new Error(`${actor} comes to another epoch`);
}

export const followingSteps: Readonly<Record<string, StepRunner>> = { reinit, branch };
