/**
 * A group in which some members are honest (`Client`, from the package) and one, bob, is in the hands of the test with all his
 * keys: what he forges is signed, encrypted and authenticated as only a member could do it.
 */
import { identityOf, Client, externalSendersExtension, requiredCapabilitiesExtension, type Group } from "tinymls";
import type { Extension, KeyPackage, LeafNode, Proposal } from "tinymls/messages";
import type { PrivateKey, Secret } from "tinymls/crypto";
import { sameIdentity, type AuthenticationService } from "#dist/mls/group/authentication.js";
import { createCommit } from "#dist/mls/group/create-commit.js";
import { buildCommit } from "#dist/mls/group/build-commit.js";
import { Counters } from "#dist/mls/group/counters.js";
import { joinByWelcome } from "#dist/mls/group/join.js";
import { MemberState, type GroupEnvironment } from "#dist/mls/group/member-state.js";
import { withQuestions } from "#dist/mls/group/questions.js";
import { applicationMessage } from "#dist/mls/group/send.js";
import { receiveOne } from "#dist/mls/group/receive-messages.js";
import { ContentType, decode, MLSMessage, WireFormat } from "tinymls/messages";
import { retentionFrom } from "#dist/mls/schedule/index.js";
import type { Suite } from "#dist/mls/suite/index.js";
import { heldHandles } from "../held-handles.js";
import { forgeCommit, type CommitDeparture, type ForgedCommit, type Listed } from "./commit.js";
import { Pile } from "./pile.js";
import { Puppet, supported } from "./puppet.js";
import { frameAnything, member, signAnything, type FramingDeparture } from "./sign.js";
import { forgeGroupInfo, forgeWelcome, infoOf, type GroupInfoDeparture, type WelcomeDeparture } from "./welcome.js";

/** Leaf indices. Leaf 4 is blank. */
export const leaves = { alice: 0, bob: 1, carol: 2, dave: 3, blank: 4, grace: 5, outside: 77 } as const;

/** An authentication service that says no to a few names. */
export const authentication: AuthenticationService = {
  validateCredential: (credential) => !identityOf(credential).equals(Buffer.from("mallory")),
  isValidSuccessor: sameIdentity,
  isSameClient: (one, other) => sameIdentity(one, other) && identityOf(one).equals(Buffer.from("twin")),
  mayJoinExternally: (credential) => !identityOf(credential).equals(Buffer.from("uninvited")),
  mayProposeItself: (credential) => !identityOf(credential).equals(Buffer.from("uninvited")),
};

export class World {
  readonly suite: Suite;
  readonly pile = new Pile();
  readonly server: PrivateKey;
  /** The signature key of alice, who is honest: her device was copied. */
  readonly aliceKey: PrivateKey;
  readonly puppets = new Map<string, Puppet>();
  readonly clients = new Map<string, Client>();
  readonly extensions: readonly Extension[];
  alice!: Group;
  carol!: Group;
  bob!: MemberState;

  private constructor(suite: Suite) {
    this.suite = suite;
    this.server = suite.generateSignatureKeyPair();
    this.aliceKey = suite.generateSignatureKeyPair();
    const sender = { signatureKey: this.server.publicKey, credential: basic("server") };
    this.extensions = [
      externalSendersExtension([sender]),
      requiredCapabilitiesExtension({ extensionTypes: [0xf0e1], proposalTypes: [], credentialTypes: [1] }),
      { extensionType: 0xf0e0, extensionData: Buffer.from("of the application") },
    ];
  }

  static async create(suite: Suite): Promise<World> {
    const world = new World(suite);
    const alice = await world.client("alice", world.aliceKey);
    const carol = await world.client("carol");
    world.alice = await alice.createGroup({ extensions: world.extensions });
    const [bob, dave, frank, grace] = ["bob", "dave", "frank", "grace"].map((name) => world.puppet(name));
    const carols = await carol.createKeyPackage();
    const add = [bob!.message, carols, dave!.message, frank!.message, grace!.message];
    const founding = await world.alice.commit({ add });
    await founding.confirm();
    world.carol = await carol.joinGroup(founding.welcome!);
    world.bob = new MemberState(world.environment, await world.joinAs(bob!, founding.welcome!));
    const removal = await world.alice.commit({ remove: [leaves.blank] });
    await removal.confirm();
    await world.carol.receiveMessage(removal.commit);
    await receiveOne(world.bob, removal.commit);
    await world.honestCommit();
    return world;
  }

  readonly environment: GroupEnvironment = withQuestions({
    policy: {
      authentication,
      customProposals: new Map(),
      maximumLifetime: 2n ** 40n,
      maximumProposals: 100,
      now: Date.now,
    },
    retention: retentionFrom(),
    counters: new Counters(),
    psks: { external: () => undefined, resumption: (_, epoch) => this.bob.resumptionPsk(epoch) },
  });

  async client(name: string, signatureKey?: PrivateKey): Promise<Client> {
    const known = this.clients.get(name);
    if (known !== undefined) return known;
    const client = await Client.create({
      identity: name,
      cipherSuite: this.suite.id,
      signatureKey,
      authentication,
      supported: { extensions: supported.extensions },
      customProposals: supported.proposals.map((type) => ({ type })),
      handshake: "public",
    });
    this.clients.set(name, client);
    return client;
  }

  puppet(name: string): Puppet {
    const known = this.puppets.get(name);
    if (known !== undefined) return known;
    const puppet = new Puppet(this.suite, name);
    this.puppets.set(name, puppet);
    return puppet;
  }

  /** A leaf as it is in the tree now. */
  leaf(leafIndex: number): LeafNode {
    return this.bob.epoch.tree.leaf(leafIndex)!.value;
  }

  /** Any commit, by bob unless told otherwise. */
  commit(list: readonly (Proposal | Listed)[], departure: CommitDeparture = {}): ForgedCommit {
    const { pile, bob } = this;
    const { credential, capabilities, extensions, signatureKey } = this.leaf(leaves.bob);
    const leaf = { credential, capabilities, extensions, signatureKey };
    const committer = { leafIndex: leaves.bob, leaf, signer: bob.epoch.signatureKey };
    return forgeCommit({ pile, epoch: bob.epoch, psks: bob.environment.psks }, committer, list.map(listed), departure);
  }

  /** Any external commit, by a client outside. The first proposal is the ExternalInit, unless `init` says otherwise. */
  externalCommit(
    joiner: Puppet,
    more: readonly (Proposal | Listed)[] = [],
    departure: CommitDeparture & { readonly init?: (init: Proposal) => Proposal[] } = {},
  ): ForgedCommit {
    const { pile, bob, suite } = this;
    const { kemOutput, initSecret } = suite.externalInitSender(bob.epoch.secrets.externalKeyPair.publicKey);
    pile.add(initSecret as Secret);
    const init: Proposal = { proposalType: 6, kemOutput };
    const list = [...(departure.init?.(init) ?? [init]), ...more].map(listed);
    const committer = { leafIndex: "external", leaf: joiner.leaf, signer: joiner.signatureKey } as const;
    const forging = { pile, epoch: bob.epoch, psks: bob.environment.psks };
    return forgeCommit(forging, committer, list, { ...departure, kem: { initSecret } });
  }

  /** The Welcome of a forged commit of bob. */
  welcome(commit: ForgedCommit, departure: WelcomeDeparture = {}): Buffer {
    return forgeWelcome(commit, this.suite, this.bob.epoch.signatureKey, departure);
  }

  /** A GroupInfo of the current epoch, by bob unless told otherwise. */
  groupInfo(departure: GroupInfoDeparture = {}): Buffer {
    const by = { leafIndex: leaves.bob, signer: this.bob.epoch.signatureKey };
    return forgeGroupInfo(this.suite, infoOf(this.bob.epoch), by, departure);
  }

  /** Any proposal, from bob unless told otherwise. */
  proposal(proposal: Proposal, departure: FramingDeparture = {}): Buffer {
    const body = { contentType: ContentType.proposal, proposal };
    const signed = signAnything(this.bob.epoch, body, this.fromBob(WireFormat.mlsPublicMessage, departure));
    return frameAnything(this.bob.epoch, signed, undefined, departure);
  }

  /** Any application message, from bob unless told otherwise. */
  application(data: string, departure: FramingDeparture = {}): Buffer {
    const body = { contentType: ContentType.application, applicationData: Buffer.from(data) };
    const signed = signAnything(this.bob.epoch, body, this.fromBob(WireFormat.mlsPrivateMessage, departure));
    return frameAnything(this.bob.epoch, signed, undefined, departure);
  }

  private fromBob<T extends FramingDeparture>(wireFormat: WireFormat, departure: T) {
    return { wireFormat, sender: member(leaves.bob), signer: this.bob.epoch.signatureKey, ...departure };
  }

  /** A commit as RFC 9420 wants it, received by all. */
  async honestCommit(more: readonly Proposal[] = []): Promise<void> {
    const framing = { wireFormat: WireFormat.mlsPublicMessage, padding: "none" } as const;
    const built = await buildCommit(this.bob, { update: true, proposals: false }, more);
    const created = await createCommit(this.bob.epoch, this.environment, {
      ...built,
      ...{ authenticatedData: Buffer.alloc(0), framing, ratchetTreeInWelcome: true, groupInfoExtensions: [] },
    });
    for (const group of [this.alice, this.carol]) {
      const outcome = await group.receiveMessage(created.commit);
      if (outcome.kind !== "commit") throw new Error(`an honest commit is ${JSON.stringify(outcome)}`);
    }
    this.bob.merge(created.staged);
  }

  /** An application message as RFC 9420 wants it. */
  honestMessage(text: string): Buffer {
    return applicationMessage(this.bob, Buffer.from(text), Buffer.alloc(0), "none");
  }

  /** Everything that receiving may change, and the number of live handles. */
  fingerprint(group: Group = this.alice): object {
    // What is noticed of a fork is to be told of refused messages.
    const { forkNoticedAt: __, ...health } = group.health();
    const { oldestMs: _, ...retained } = health.retained;
    return {
      ...{ ...health, retained, live: heldHandles(), pending: group.pendingCommit?.state },
      authenticator: group.epochAuthenticator().toString("hex"),
      tree: this.suite.hash(group.ratchetTree()).toString("hex"),
      reinitialized: group.reinitialized !== undefined,
      exporter: group.exportSecret("fingerprint", Buffer.alloc(0), 32).toString("hex"),
    };
  }

  async dispose(): Promise<void> {
    this.pile.dispose();
    for (const client of this.clients.values()) await client.close();
    for (const puppet of this.puppets.values()) puppet.dispose();
    this.bob.dispose();
    this.server.dispose();
    this.aliceKey.dispose();
  }

  private async joinAs(puppet: Puppet, welcome: Buffer) {
    const message = decode(MLSMessage, welcome);
    if (message.wireFormat !== WireFormat.mlsWelcome) throw new Error("no Welcome");
    return joinByWelcome({
      ...this.environment,
      suite: this.suite,
      welcome: message.welcome,
      keyPackage: puppet.own,
      signatureKey: puppet.signatureKey,
      ratchetTree: undefined,
      hasGroup: () => false,
      checkOrigin: async () => undefined,
    });
  }
}

function listed(one: Proposal | Listed): Listed {
  return "proposal" in one ? one : { proposal: one };
}

export const basic = (name: string) => ({ credentialType: 1, identity: Buffer.from(name) }) as const;
export const add = (keyPackage: KeyPackage): Proposal => ({ proposalType: 1, keyPackage });
export const update = (leafNode: LeafNode): Proposal => ({ proposalType: 2, leafNode });
export const remove = (removed: number): Proposal => ({ proposalType: 3, removed });
export const contextExtensions = (extensions: readonly Extension[]): Proposal => ({ proposalType: 7, extensions });
