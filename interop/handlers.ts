/** Every RPC of the interoperability interface, by the public API of the package. */
import { CipherSuite, ExternalSender, externalSendersExtension, type CommitOptions, type PendingCommit } from "tinymls";
import {
  decode,
  ExternalSender as ExternalSenderEntry,
  ExternalSenders,
  ExtensionType,
  MLSMessage,
  NodeType,
  RatchetTree,
  WireFormat,
  type Extension,
  type GroupInfo,
} from "tinymls/messages";
import { Actors, unexpected, type State } from "./actors.js";
import { CallError, type Handlers } from "./grpc.js";
import type { CommitRequest, CommitResponse, ProposalDescription, ReInitialized } from "./messages.js";

type Policy = "private" | "public";

const none = Buffer.alloc(0);
const policyOf = (encryptHandshake: boolean): Policy => (encryptHandshake ? "private" : "public");
const given = (bytes: Buffer): Buffer | undefined => (bytes.byteLength > 0 ? bytes : undefined);
const suiteOf = (cipherSuite: number): CipherSuite => cipherSuite as CipherSuite;

/** A server's answers. It keeps what the runner builds until the runner frees it. */
export function handlers(): Handlers {
  const actors = new Actors();
  return {
    ...stack,
    ...joining(actors),
    ...using(actors),
    ...proposing(actors),
    ...committing(actors),
    ...following(actors),
    ...outside(actors),
  };
}

const stack = {
  Name: () => ({ name: "tinymls" }),
  SupportedCiphersuites: () => ({ ciphersuites: Object.values(CipherSuite) }),
} satisfies Partial<Handlers>;

function joining(actors: Actors) {
  return {
    CreateGroup: async ({ groupId, cipherSuite, encryptHandshake, identity }) => {
      const actor = await actors.actor(identity);
      const handshake = policyOf(encryptHandshake);
      const group = await actor.client.createGroup({ groupId, cipherSuite: suiteOf(cipherSuite), handshake });
      return { stateId: actors.addState(actor, group, handshake) };
    },
    CreateKeyPackage: async ({ cipherSuite, identity }) => {
      const actor = await actors.actor(identity);
      const keyPackage = await actor.client.createKeyPackage({ cipherSuite: suiteOf(cipherSuite) });
      return { transactionId: actors.addTransaction(actor), keyPackage };
    },
    JoinGroup: async ({ transactionId, welcome, encryptHandshake, ratchetTree }) => {
      const actor = actors.transaction(transactionId);
      const handshake = policyOf(encryptHandshake);
      const group = await actor.client.joinGroup(welcome, { ratchetTree: given(ratchetTree), handshake });
      actors.endTransaction(transactionId);
      const epochAuthenticator = group.epochAuthenticator();
      return { stateId: actors.addState(actor, group, handshake), epochAuthenticator };
    },
    ExternalJoin: async ({ groupInfo, ratchetTree, encryptHandshake, identity, removePrior, psks }) => {
      const actor = await actors.actor(identity);
      for (const { pskId, pskSecret } of psks) await actor.client.addPsk(pskId, pskSecret);
      const handshake = policyOf(encryptHandshake);
      const { group, commit } = await actor.client.joinExternal(groupInfo, {
        ratchetTree: given(ratchetTree),
        resync: removePrior,
        psks: psks.map(({ pskId }) => ({ external: pskId })),
        handshake,
      });
      const epochAuthenticator = group.epochAuthenticator();
      return { stateId: actors.addState(actor, group, handshake), commit, epochAuthenticator };
    },
    NewMemberAddProposal: async ({ groupInfo, identity }) => {
      const actor = await actors.actor(identity);
      const proposal = await actor.client.proposeJoin(groupInfo);
      return { transactionId: actors.addTransaction(actor), proposal };
    },
    Free: async ({ stateId }) => {
      await actors.free(stateId);
      return {};
    },
  } satisfies Partial<Handlers>;
}

function using(actors: Actors) {
  return {
    GroupInfo: async ({ stateId, externalTree }) => {
      const { group } = actors.state(stateId);
      const groupInfo = await group.groupInfo({ ratchetTree: !externalTree });
      return { groupInfo, ratchetTree: externalTree ? group.ratchetTree() : none };
    },
    StateAuth: ({ stateId }) => ({ stateAuthSecret: actors.state(stateId).group.epochAuthenticator() }),
    Export: ({ stateId, label, context, keyLength }) => {
      return { exportedSecret: actors.state(stateId).group.exportSecret(label, context, keyLength) };
    },
    Protect: async ({ stateId, authenticatedData, plaintext }) => {
      return { ciphertext: await actors.state(stateId).group.sendMessage(plaintext, { authenticatedData }) };
    },
    Unprotect: async ({ stateId, ciphertext }) => {
      const outcome = await actors.state(stateId).group.receiveMessage(ciphertext);
      if (outcome.kind !== "application") throw unexpected("application data", outcome);
      return { authenticatedData: outcome.authenticatedData, plaintext: outcome.data };
    },
    StorePSK: async ({ stateOrTransactionId, pskId, pskSecret }) => {
      await actors.stateOrTransaction(stateOrTransactionId).client.addPsk(pskId, pskSecret);
      return {};
    },
  } satisfies Partial<Handlers>;
}

function proposing(actors: Actors) {
  return {
    AddProposal: ({ stateId, keyPackage }) => {
      const state = actors.state(stateId);
      return state.proposed(state.group.proposeAdd(keyPackage));
    },
    UpdateProposal: ({ stateId }) => {
      const state = actors.state(stateId);
      return state.proposed(state.group.proposeUpdate());
    },
    RemoveProposal: ({ stateId, removedId }) => {
      const state = actors.state(stateId);
      return state.proposed(state.group.proposeRemove(leafOf(state, removedId)));
    },
    ExternalPSKProposal: ({ stateId, pskId }) => {
      const state = actors.state(stateId);
      return state.proposed(state.group.proposePsk({ external: pskId }));
    },
    ResumptionPSKProposal: ({ stateId, epochId }) => {
      const state = actors.state(stateId);
      return state.proposed(state.group.proposePsk({ epoch: BigInt(epochId) }));
    },
    GroupContextExtensionsProposal: ({ stateId, extensions }) => {
      const state = actors.state(stateId);
      return state.proposed(state.group.proposeGroupContextExtensions(extensions));
    },
    ReInitProposal: ({ stateId, cipherSuite, groupId, extensions }) => {
      const state = actors.state(stateId);
      return state.proposed(state.group.proposeReInit({ cipherSuite, groupId, extensions }));
    },
    AddExternalSigner: ({ stateId, externalSender }) => {
      const state = actors.state(stateId);
      const extensions = withExternalSender(state.group.extensions, externalSender);
      return state.proposed(state.group.proposeGroupContextExtensions(extensions));
    },
  } satisfies Partial<Handlers>;
}

function leafOf({ group }: State, identity: Buffer): number {
  const member = group.members().find((one) => one.identity.equals(identity));
  if (member === undefined) throw new CallError("NOT_FOUND", "no member of that identity");
  return member.leafIndex;
}

/** The extensions with one more external sender, after those that are there. */
function withExternalSender(extensions: readonly Extension[], encoded: Buffer): Extension[] {
  const isSenders = ({ extensionType }: Extension): boolean => extensionType === ExtensionType.externalSenders;
  const before = extensions.filter(isSenders).flatMap(({ extensionData }) => decode(ExternalSenders, extensionData));
  const added = externalSendersExtension([...before, decode(ExternalSenderEntry, encoded)]);
  return [...extensions.filter((extension) => !isSenders(extension)), added];
}

function committing(actors: Actors) {
  const commit = (request: CommitRequest): Promise<CommitResponse> => commitOf(actors.state(request.stateId), request);
  const handled = (stateId: number) => {
    return { stateId, epochAuthenticator: actors.state(stateId).group.epochAuthenticator() };
  };
  const reinitialized = async (stateId: number): Promise<ReInitialized> => {
    const { group, actor } = actors.state(stateId);
    const { reinitialized: wanted } = group;
    if (wanted === undefined) throw new CallError("FAILED_PRECONDITION", "the commit is no ReInit");
    const keyPackage = await actor.client.createKeyPackage({ cipherSuite: suiteOf(wanted.cipherSuite!) });
    const epochAuthenticator = group.epochAuthenticator();
    return { reinitId: actors.addReInit(stateId), keyPackage, epochAuthenticator };
  };
  return {
    Commit: commit,
    ReInitCommit: commit,
    HandleCommit: async ({ stateId, proposal, commit: message }) => {
      await actors.state(stateId).receiveCommit(proposal, message);
      return handled(stateId);
    },
    HandlePendingCommit: async ({ stateId }) => {
      await actors.state(stateId).confirmCommit();
      return handled(stateId);
    },
    HandleReInitCommit: async ({ stateId, proposal, commit: message }) => {
      await actors.state(stateId).receiveCommit(proposal, message);
      return reinitialized(stateId);
    },
    HandlePendingReInitCommit: async ({ stateId }) => {
      await actors.state(stateId).confirmCommit();
      return reinitialized(stateId);
    },
  } satisfies Partial<Handlers>;
}

async function commitOf(state: State, request: CommitRequest): Promise<CommitResponse> {
  const { byReference, byValue, forcePath, externalTree } = request;
  const proposals = await state.refsOf(byReference);
  const options = { ...optionsOf(state, byValue), proposals, update: forcePath, ratchetTree: !externalTree };
  const pending = await state.group.commit(options);
  const [rejected] = pending.plan.rejected;
  const [skipped] = pending.skippedProposals;
  if (rejected !== undefined || skipped !== undefined) {
    await pending.discard();
    throw new CallError("INVALID_ARGUMENT", `cannot be committed: ${rejected?.message ?? skipped?.reason}`);
  }
  const { commit, welcome = none } = pending;
  return { commit, welcome, ratchetTree: externalTree ? treeAfter(pending) : none };
}

function optionsOf(state: State, descriptions: readonly ProposalDescription[]): CommitOptions {
  const ofType = (type: string): ProposalDescription[] =>
    descriptions.filter(({ proposalType }) => proposalType.toString() === type);
  const known = ["add", "remove", "externalPSK", "resumptionPSK", "groupContextExtensions"];
  const unknown = descriptions.find(({ proposalType }) => !known.includes(proposalType.toString()));
  if (unknown !== undefined) throw badDescription(unknown);
  return {
    add: ofType("add").map(({ keyPackage }) => keyPackage),
    remove: ofType("remove").map(({ removedId }) => leafOf(state, removedId)),
    psks: [
      ...ofType("externalPSK").map(({ pskId }) => ({ external: pskId })),
      ...ofType("resumptionPSK").map(({ epochId }) => ({ epoch: BigInt(epochId) })),
    ],
    extensions: ofType("groupContextExtensions")[0]?.extensions,
  };
}

function badDescription({ proposalType }: ProposalDescription): CallError {
  return new CallError("INVALID_ARGUMENT", `proposals of type ${proposalType.toString()} are not made here`);
}

function groupInfoOf(bytes: Buffer): GroupInfo {
  const message = decode(MLSMessage, bytes);
  if (message.wireFormat !== WireFormat.mlsGroupInfo) throw new CallError("INVALID_ARGUMENT", "not a GroupInfo");
  return message.groupInfo;
}

function treeAfter({ groupInfo }: PendingCommit): Buffer {
  const { extensions } = groupInfoOf(groupInfo);
  const tree = extensions.find(({ extensionType }) => extensionType === ExtensionType.ratchetTree)!;
  return Buffer.from(tree.extensionData);
}

/** Groups that follow others. Their commits have a path in any case, so that `force_path` asks for nothing more. */
function following(actors: Actors) {
  return {
    ReInitWelcome: async ({ reinitId, keyPackage, externalTree }) => {
      const { actor, group, handshake } = actors.reinit(reinitId);
      const begun = await group.reinitialize(keyPackage, { ratchetTree: !externalTree });
      const stateId = actors.addState(actor, begun.group, handshake);
      await actors.endReInit(reinitId);
      return { stateId, ...subgroup(begun, externalTree) };
    },
    HandleReInitWelcome: async ({ reinitId, welcome, ratchetTree }) => {
      const { actor, handshake } = actors.reinit(reinitId);
      const group = await actor.client.joinGroup(welcome, { ratchetTree: given(ratchetTree), handshake });
      const stateId = actors.addState(actor, group, handshake);
      await actors.endReInit(reinitId);
      return { stateId, epochAuthenticator: group.epochAuthenticator() };
    },
    CreateBranch: async ({ stateId, groupId, extensions, keyPackages, externalTree }) => {
      const { actor, group, handshake } = actors.state(stateId);
      const begun = await group.branch(keyPackages, { groupId, extensions, ratchetTree: !externalTree });
      return { stateId: actors.addState(actor, begun.group, handshake), ...subgroup(begun, externalTree) };
    },
    HandleBranch: async ({ stateId, transactionId, welcome, ratchetTree }) => {
      const { actor, handshake } = actors.state(stateId);
      if (actors.transaction(transactionId) !== actor) {
        throw new CallError("FAILED_PRECONDITION", "state and key package are of different identities");
      }
      const group = await actor.client.joinGroup(welcome, { ratchetTree: given(ratchetTree), handshake });
      actors.endTransaction(transactionId);
      return { stateId: actors.addState(actor, group, handshake), epochAuthenticator: group.epochAuthenticator() };
    },
  } satisfies Partial<Handlers>;
}

function subgroup({ group, welcome = none }: { group: State["group"]; welcome: Buffer | undefined }, apart: boolean) {
  return { welcome, ratchetTree: apart ? group.ratchetTree() : none, epochAuthenticator: group.epochAuthenticator() };
}

function outside(actors: Actors) {
  return {
    CreateExternalSigner: ({ cipherSuite, identity }) => {
      const signer = new ExternalSender({ identity, cipherSuite: suiteOf(cipherSuite) });
      return { signerId: actors.addSigner(signer), externalSender: signer.encodeEntry() };
    },
    ExternalSignerProposal: ({ signerId, groupInfo, ratchetTree, description }) => {
      if (description === null) throw new CallError("INVALID_ARGUMENT", "no description");
      return { proposal: proposalFrom(actors.signer(signerId), groupInfo, ratchetTree, description) };
    },
  } satisfies Partial<Handlers>;
}

function proposalFrom(signer: ExternalSender, groupInfo: Buffer, tree: Buffer, wanted: ProposalDescription): Buffer {
  const { keyPackage, removedId, pskId, epochId, extensions, groupId, cipherSuite } = wanted;
  switch (wanted.proposalType.toString()) {
    case "add":
      return signer.proposeAdd(groupInfo, keyPackage);
    case "remove":
      return signer.proposeRemove(groupInfo, leafIn(groupInfo, tree, removedId));
    case "externalPSK":
      return signer.proposePsk(groupInfo, { external: pskId });
    case "resumptionPSK":
      return signer.proposePsk(groupInfo, { epoch: BigInt(epochId) });
    case "groupContextExtensions":
      return signer.proposeGroupContextExtensions(groupInfo, extensions);
    case "reinit":
      return signer.proposeReInit(groupInfo, { groupId, cipherSuite, extensions });
    default:
      throw badDescription(wanted);
  }
}

/** The leaf of a member by its identity, in the tree that came with the GroupInfo or apart from it. */
function leafIn(groupInfo: Buffer, apart: Buffer, identity: Buffer): number {
  const { extensions } = groupInfoOf(groupInfo);
  const held = extensions.find(({ extensionType }) => extensionType === ExtensionType.ratchetTree)?.extensionData;
  const nodes = decode(RatchetTree, given(apart) ?? held ?? none);
  const node = nodes.findIndex((one) => {
    if (one === null || one.nodeType !== NodeType.leaf) return false;
    const { credential } = one.leafNode;
    return "identity" in credential && identity.equals(credential.identity);
  });
  if (node < 0) throw new CallError("NOT_FOUND", "no member of that identity");
  return node / 2;
}
