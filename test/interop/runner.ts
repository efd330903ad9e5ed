/** Drives servers of the interoperability interface through a scenario, step by step. */
import { randomBytes, randomUUID } from "node:crypto";
import type { RemoteClient } from "../../interop/grpc.js";
import { expectSame, followingSteps } from "./following-steps.js";
import { actorsOf, extensions, flag, index, indices, text, texts, type Scenario, type Step } from "./script.js";
import { World, type Setting } from "./world.js";

/** What a step does; `at` is its own index, under which it keeps what it made. */
export type StepRunner = (world: World, step: Step, at: number) => Promise<void>;

/** The actors are spread over the servers in turn. Rejects with the step that failed. */
export async function runScenario(
  scenario: Scenario,
  setting: Setting,
  servers: readonly RemoteClient[],
): Promise<void> {
  const places = actorsOf(scenario).map((actor, place) => [actor, servers[place % servers.length]!] as const);
  const world = new World(setting, new Map(places));
  for (const [at, step] of scenario.steps.entries()) {
    const run = runners[text(step, "action")] ?? (() => Promise.reject(new Error("an action that is not known")));
    try {
      await run(world, step, at);
    } catch (error) {
      throw new Error(`step ${at} (${text(step, "action")}): ${(error as Error).message}`, { cause: error });
    }
  }
  await world.free();
}

const createGroup: StepRunner = async (world, step, at) => {
  const actor = text(step, "actor");
  const { cipherSuite, encryptHandshake } = world;
  world.groupId = Buffer.from(randomUUID());
  const request = { groupId: world.groupId, cipherSuite, encryptHandshake, identity: Buffer.from(actor) };
  world.states.set(actor, (await world.call(actor, "CreateGroup", request)).stateId);
  const joiners = texts(step, "members");
  if (joiners.length === 0) return;
  const packages = await Promise.all(joiners.map((joiner) => world.createKeyPackage(joiner)));
  joiners.forEach((joiner, place) => world.transactions.set(joiner, packages[place]!.transactionId));
  packages.forEach(({ keyPackage }, place) => world.keep(at, { [`keyPackage${place}`]: keyPackage }));
  const byValue = packages.map(({ keyPackage }) => ({
    ...world.description({ proposaltype: "" }),
    proposalType: Buffer.from("add"),
    keyPackage,
  }));
  const { welcome } = await world.call(actor, "Commit", { stateId: world.stateId(actor), byValue });
  const { epochAuthenticator } = await world.call(actor, "HandlePendingCommit", { stateId: world.stateId(actor) });
  await joinAll(world, joiners, welcome, Buffer.alloc(0), epochAuthenticator);
  await world.agree([actor, ...joiners], epochAuthenticator);
};

async function joinAll(
  world: World,
  joiners: readonly string[],
  welcome: Buffer,
  ratchetTree: Buffer,
  expected: Buffer,
): Promise<void> {
  await Promise.all(
    joiners.map(async (joiner) => {
      const joined = await world.call(joiner, "JoinGroup", {
        transactionId: world.transactionId(joiner),
        welcome,
        ratchetTree,
        encryptHandshake: world.encryptHandshake,
        identity: Buffer.from(joiner),
      });
      expectSame(joiner, joined.epochAuthenticator, expected);
      world.states.set(joiner, joined.stateId);
    }),
  );
}

/** Members take in a commit. */
async function handleAll(
  world: World,
  members: readonly string[],
  proposal: readonly Buffer[],
  commit: Buffer,
  expected: Buffer,
): Promise<void> {
  await Promise.all(
    members.map(async (member) => {
      const request = { stateId: world.stateId(member), proposal, commit };
      const handled = await world.call(member, "HandleCommit", request);
      expectSame(member, handled.epochAuthenticator, expected);
      world.states.set(member, handled.stateId);
    }),
  );
}

const commitOf = async (world: World, step: Step, at: number): Promise<Buffer[]> => {
  const actor = text(step, "actor");
  const byReference = indices(step, "byreference").map((made) => world.result(made, "proposal"));
  const byValue = ((step["byvalue"] as Step[] | undefined) ?? []).map((wanted) => world.description(wanted));
  const { commit, welcome, ratchetTree } = await world.call(actor, "Commit", {
    stateId: world.stateId(actor),
    byReference,
    byValue,
    forcePath: flag(step, "forcepath"),
    externalTree: flag(step, "externaltree"),
  });
  if (flag(step, "externaltree") !== ratchetTree.byteLength > 0) throw new Error("the tree comes where it should not");
  world.keep(at, { commit, welcome, ratchetTree });
  return byReference;
};

const fullCommit: StepRunner = async (world, step, at) => {
  const actor = text(step, "actor");
  const proposals = await commitOf(world, step, at);
  const { epochAuthenticator } = await world.call(actor, "HandlePendingCommit", { stateId: world.stateId(actor) });
  const [members, joiners] = [texts(step, "members"), texts(step, "joiners")];
  await handleAll(world, members, proposals, world.result(at, "commit"), epochAuthenticator);
  await joinAll(world, joiners, world.result(at, "welcome"), world.result(at, "ratchetTree"), epochAuthenticator);
  await world.agree([actor, ...members, ...joiners], epochAuthenticator);
};

const externalJoin: StepRunner = async (world, step, at) => {
  const [actor, joiner] = [text(step, "actor"), text(step, "joiner")];
  const info = { stateId: world.stateId(actor), externalTree: flag(step, "externaltree") };
  const { groupInfo, ratchetTree } = await world.call(actor, "GroupInfo", info);
  const { stateId, commit, epochAuthenticator } = await world.call(joiner, "ExternalJoin", {
    groupInfo,
    ratchetTree,
    encryptHandshake: world.encryptHandshake,
    identity: Buffer.from(joiner),
    removePrior: flag(step, "removeprior"),
    psks: indices(step, "psks").map((made) => ({
      pskId: world.result(made, "pskId"),
      pskSecret: world.result(made, "pskSecret"),
    })),
  });
  world.states.set(joiner, stateId);
  world.keep(at, { commit, groupInfo, ratchetTree });
  const members = [...texts(step, "members"), actor];
  await handleAll(world, members, [], commit, epochAuthenticator);
  await world.agree([joiner, ...members], epochAuthenticator);
};

const installExternalPsk: StepRunner = async (world, step, at) => {
  const psk = { pskId: randomBytes(32), pskSecret: randomBytes(32) };
  world.keep(at, psk);
  for (const actor of texts(step, "clients")) {
    const stateOrTransactionId = world.states.get(actor) ?? world.transactionId(actor);
    await world.call(actor, "StorePSK", { stateOrTransactionId, ...psk });
  }
};

const protect: StepRunner = async (world, step, at) => {
  const actor = text(step, "actor");
  const authenticatedData = Buffer.from(text(step, "authenticateddata"));
  const plaintext = Buffer.from(text(step, "plaintext"));
  const request = { stateId: world.stateId(actor), authenticatedData, plaintext };
  const { ciphertext } = await world.call(actor, "Protect", request);
  if (ciphertext.includes(plaintext)) throw new Error("the plaintext is to be read in the ciphertext");
  world.keep(at, { authenticatedData, plaintext, ciphertext });
};

const unprotect: StepRunner = async (world, step) => {
  const actor = text(step, "actor");
  const made = index(step, "ciphertext");
  const request = { stateId: world.stateId(actor), ciphertext: world.result(made, "ciphertext") };
  const { authenticatedData, plaintext } = await world.call(actor, "Unprotect", request);
  if (!authenticatedData.equals(world.result(made, "authenticatedData"))) throw new Error("other authenticated data");
  if (!plaintext.equals(world.result(made, "plaintext"))) throw new Error("another plaintext");
};

const addExternalSigner: StepRunner = async (world, step, at) => {
  const [actor, signer] = [text(step, "actor"), text(step, "signer")];
  const { cipherSuite } = world;
  const made = await world.call(signer, "CreateExternalSigner", { cipherSuite, identity: Buffer.from(signer) });
  world.signers.set(signer, made.signerId);
  const request = { stateId: world.stateId(actor), externalSender: made.externalSender };
  const { proposal } = await world.call(actor, "AddExternalSigner", request);
  world.keep(at, { proposal });
};

const externalSignerProposal: StepRunner = async (world, step, at) => {
  const [actor, member] = [text(step, "actor"), text(step, "member")];
  const info = await world.call(member, "GroupInfo", { stateId: world.stateId(member), externalTree: true });
  const description = world.description(step["description"] as Step);
  const signerId = world.signers.get(actor)!;
  const { proposal } = await world.call(actor, "ExternalSignerProposal", { signerId, ...info, description });
  world.keep(at, { proposal });
};

const newMemberAddProposal: StepRunner = async (world, step, at) => {
  const [actor, joiner] = [text(step, "actor"), text(step, "joiner")];
  const { groupInfo } = await world.call(actor, "GroupInfo", { stateId: world.stateId(actor) });
  const request = { groupInfo, identity: Buffer.from(joiner) };
  const { transactionId, proposal } = await world.call(joiner, "NewMemberAddProposal", request);
  world.transactions.set(joiner, transactionId);
  world.keep(at, { proposal });
};

type ProposalRpc =
  `${"Add" | "Update" | "Remove" | "ExternalPSK" | "ResumptionPSK" | "GroupContextExtensions"}Proposal`;

function proposes(rpc: ProposalRpc, fields: (world: World, step: Step) => object): StepRunner {
  return async (world, step, at) => {
    const actor = text(step, "actor");
    const request = { stateId: world.stateId(actor), ...fields(world, step) };
    world.keep(at, { proposal: (await world.call(actor, rpc, request)).proposal });
  };
}

const runners: Readonly<Record<string, StepRunner>> = {
  createGroup,
  createKeyPackage: async (world, step, at) => {
    const actor = text(step, "actor");
    const { transactionId, keyPackage } = await world.createKeyPackage(actor);
    world.transactions.set(actor, transactionId);
    world.keep(at, { keyPackage });
  },
  addProposal: proposes("AddProposal", (world, step) => ({
    keyPackage: world.result(index(step, "keypackage"), "keyPackage"),
  })),
  updateProposal: proposes("UpdateProposal", () => ({})),
  removeProposal: proposes("RemoveProposal", (_, step) => ({ removedId: Buffer.from(text(step, "removed")) })),
  externalPSKProposal: proposes("ExternalPSKProposal", (world, step) => ({
    pskId: world.result(index(step, "pskid"), "pskId"),
  })),
  resumptionPSKProposal: proposes("ResumptionPSKProposal", (_, step) => ({ epochId: index(step, "epochid") })),
  groupContextExtensionsProposal: proposes("GroupContextExtensionsProposal", (_, step) => ({
    extensions: extensions(step),
  })),
  fullCommit,
  externalJoin,
  installExternalPSK: installExternalPsk,
  protect,
  unprotect,
  newMemberAddProposal,
  addExternalSigner,
  externalSignerProposal,
  ...followingSteps,
};
