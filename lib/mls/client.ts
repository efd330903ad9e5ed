/* eslint-disable @typescript-eslint/require-await -- async, so that what is wrong with a call rejects and never throws */
import { decode, encode } from "../codec/index.js";
import { TinyMlsError } from "../errors.js";
import type { PrivateKey } from "../native/keys.js";
import { randomBytes } from "../native/random.js";
import { Secret } from "../native/secret.js";
import {
  sendPolicy,
  settingsFrom,
  suiteFrom,
  type ClientOptions,
  type ClientSettings,
  type HandshakePolicy,
  type JoinExternalOptions,
  type JoinOptions,
} from "./client-options.js";
import { Group } from "./group.js";
import type { Beginning, BegunGroup, GroupHost, SendPolicy } from "./group-host.js";
import { pskId } from "./group/build-commit.js";
import { clientMetrics, type ClientMetrics } from "./client-metrics.js";
import { Counters } from "./group/counters.js";
import { capabilitiesOf } from "./group/capabilities.js";
import type { MemberEpoch, PublicEpoch } from "./group/epoch.js";
import { createExternalCommit } from "./group/external-commit.js";
import { sameIdentity } from "./group/authentication.js";
import { checkFollows } from "./group/followed-group.js";
import { joinByWelcome, type ResumptionPsk } from "./group/join.js";
import { createKeyPackage, type LeafIdentity, type OwnKeyPackage } from "./group/key-package.js";
import { MemberState, type GroupEnvironment } from "./group/member-state.js";
import { createGroup } from "./group/new-group.js";
import { outsideProposal } from "./group/outside-proposal.js";
import { startFollowingGroup } from "./group/subgroup.js";
import { KeyPackageStore } from "./key-package-store.js";
import {
  CredentialType,
  MLSMessage,
  ProposalType,
  ProtocolVersion,
  ResumptionPSKUsage,
  SenderType,
  WireFormat,
  type Extension,
  type GroupInfo,
  type Lifetime,
} from "./objects/index.js";
import { PskStore } from "./psk-store.js";
import { refuse } from "./rules.js";
import { isCipherSuite, type CipherSuite, type CipherSuiteName, type Suite } from "./suite/index.js";
import type { RatchetTree } from "./tree/index.js";

type Bytes = Uint8Array;

export interface KeyPackageOptions {
  /** May be used more than once, when no other is left (RFC 9420 §16.8). Default: false. */
  readonly lastResort?: boolean | undefined;
  /** Milliseconds that it is valid. */
  readonly lifetimeMs?: number | undefined;
  readonly cipherSuite?: CipherSuite | CipherSuiteName | undefined;
}

export interface GroupOptions {
  /** Default: random, KDF.Nh octets. */
  readonly groupId?: Bytes | undefined;
  readonly cipherSuite?: CipherSuite | CipherSuiteName | undefined;
  /** Of the group context. */
  readonly extensions?: readonly Extension[] | undefined;
  /** How this client sends proposals and commits to this group. Default: that of the client. */
  readonly handshake?: HandshakePolicy | undefined;
}

/** One client of MLS (RFC 9420): its identity, its key packages and its groups. */
export class Client {
  readonly #settings: ClientSettings;
  readonly #signatureKeys = new Map<string, PrivateKey>();
  readonly #keyPackages = new KeyPackageStore();
  readonly #psks = new PskStore();
  readonly #groups = new Map<string, Group>();
  readonly #environment: GroupEnvironment;
  readonly #host: GroupHost = {
    begin: (beginning) => this.#begin(beginning),
    forget: (group) => this.#forget(group),
  };
  #closed = false;

  private constructor(settings: ClientSettings) {
    this.#settings = settings;
    this.#environment = {
      policy: settings.policy,
      retention: settings.retention,
      counters: new Counters(),
      psks: {
        external: (id) => this.#psks.get(id),
        resumption: (groupId, epoch) => this.#groups.get(hex(groupId))?.resumptionPsk(epoch),
      },
    };
  }

  /** @throws TinyMlsError `config` with the name of the option that is wrong */
  static async create(options: ClientOptions): Promise<Client> {
    const client = new Client(settingsFrom(options));
    const { signatureKey } = options;
    if (signatureKey !== undefined) client.#signatureKeys.set(signatureKey.algorithm, signatureKey.clone());
    client.#signatureKey(client.#settings.suite);
    return client;
  }

  /** The public signature key for a cipher suite, as RFC 9420 §5.1.1 encodes it. */
  signaturePublicKey(cipherSuite?: CipherSuite | CipherSuiteName): Buffer {
    this.#requireOpen("signaturePublicKey");
    return this.#signatureKey(this.#suite(cipherSuite)).publicKey;
  }

  /** A fresh key package for others to add this client by: an MLSMessage. */
  async createKeyPackage(options: KeyPackageOptions = {}): Promise<Buffer> {
    this.#requireOpen("createKeyPackage");
    const own = this.#createKeyPackage(options);
    this.#keyPackages.add(own);
    const keyPackage = own.value;
    return encode(MLSMessage, { version: ProtocolVersion.mls10, wireFormat: WireFormat.mlsKeyPackage, keyPackage });
  }

  /** A group with this client as its only member. */
  async createGroup(options: GroupOptions = {}): Promise<Group> {
    this.#requireOpen("createGroup");
    const suite = this.#suite(options.cipherSuite);
    const groupId = Buffer.from(options.groupId ?? randomBytes(suite.Nh));
    this.#requireNew(groupId);
    const send = this.#send(options.handshake);
    return this.#adopt(
      createGroup({
        suite,
        groupId,
        extensions: options.extensions ?? [],
        identity: this.#identity(suite),
        lifetime: this.#lifetime(),
        retention: this.#settings.retention,
        now: this.#settings.policy.now,
      }),
      send,
    );
  }

  /**
   * Joins the group that a Welcome (an MLSMessage) invites to. The key package that it is for is used up, unless it is one of last
   * resort or the Welcome is refused.
   * @throws TinyMlsError `missing` for the key package, the tree or a PSK; `undecryptable`; `malformed`; `invalid` with the rule
   */
  async joinGroup(welcome: Bytes, options: JoinOptions = {}): Promise<Group> {
    this.#requireOpen("joinGroup");
    const send = this.#send(options.handshake);
    const message = decode(MLSMessage, welcome);
    if (message.wireFormat !== WireFormat.mlsWelcome) throw unexpected("joinGroup", "a Welcome");
    const keyPackage = this.#keyPackages.take(message.welcome);
    let used = false;
    try {
      const suite = suiteFrom(keyPackage.value.cipherSuite);
      const epoch = await joinByWelcome({
        ...this.#environment,
        suite,
        welcome: message.welcome,
        keyPackage,
        signatureKey: this.#signatureKey(suite),
        ratchetTree: options.ratchetTree,
        hasGroup: (groupId) => this.#groups.has(hex(groupId)),
        checkOrigin: (psk, joined) => this.#checkOrigin(psk, joined),
      });
      used = !keyPackage.isLastResort;
      if (!used) {
        const fields = { ref: hex(keyPackage.ref), groupId: hex(epoch.context.value.groupId) };
        this.#settings.logger?.warn(fields, "a key package of last resort was used: rotate the own keys soon");
      }
      // A ReInit that keeps the group id: the new group takes the place of the one that is over.
      await this.#groups.get(hex(epoch.context.value.groupId))?.close();
      return this.#adopt(epoch, send);
    } finally {
      if (used) keyPackage.dispose();
      else this.#keyPackages.add(keyPackage);
    }
  }

  /**
   * Joins a group by an external commit, which is to be published. Until it is known to be accepted, the group is of no use to
   * others; `close()` it when it is not.
   * @param groupInfo an MLSMessage
   */
  async joinExternal(
    groupInfo: Bytes,
    options: JoinExternalOptions = {},
  ): Promise<{ readonly group: Group; readonly commit: Buffer }> {
    this.#requireOpen("joinExternal");
    const send = this.#send(options.handshake);
    const info = groupInfoFrom(groupInfo, "joinExternal");
    const { groupId, cipherSuite } = info.groupContext;
    const suite = suiteFrom(cipherSuite);
    const former = this.#groups.get(hex(groupId));
    if (options.resync !== true) this.#requireNew(groupId);
    const identity = this.#identity(suite);
    const { epoch, commit } = await createExternalCommit({
      ...this.#environment,
      suite,
      groupInfo: info,
      ratchetTree: options.ratchetTree,
      identity,
      formerLeaf: (tree) => (options.resync === true ? formerLeaf(tree, identity, this.#settings) : undefined),
      psks: (options.psks ?? []).map((reference) => pskId(suite, groupId, reference)),
      pskLookup: this.#environment.psks,
    });
    await former?.close();
    this.#environment.counters.sent++;
    return { group: this.#adopt(epoch, send), commit };
  }

  /** Asks to be added to a group, from outside: a proposal to be published, for a member to commit. */
  async proposeJoin(groupInfo: Bytes): Promise<Buffer> {
    this.#requireOpen("proposeJoin");
    const { groupContext } = groupInfoFrom(groupInfo, "proposeJoin");
    const { cipherSuite, groupId, epoch } = groupContext;
    const suite = suiteFrom(cipherSuite);
    const keyPackage = this.#createKeyPackage({ cipherSuite: suite.id });
    this.#keyPackages.add(keyPackage);
    const proposal = { proposalType: ProposalType.add, keyPackage: keyPackage.value };
    const sender = { senderType: SenderType.newMemberProposal };
    this.#environment.counters.sent++;
    return outsideProposal(suite, { groupId, epoch }, sender, proposal, this.#signatureKey(suite));
  }

  /** A PSK that others know by the same id. Bytes are copied: wipe them when they are not needed any more. */
  addPsk(id: Bytes | string, psk: Secret | Bytes): void {
    this.#requireOpen("addPsk");
    this.#psks.add(Buffer.from(id as string), psk instanceof Secret ? psk.clone() : Secret.from(psk));
  }

  /** Erases a PSK; false where there is none with that id. */
  removePsk(id: Bytes | string): boolean {
    return this.#psks.remove(Buffer.from(id as string));
  }

  /** A group that this client is in; undefined when it is in none with that id. */
  async loadGroup(groupId: Bytes): Promise<Group | undefined> {
    this.#requireOpen("loadGroup");
    return this.#groups.get(hex(groupId));
  }

  /** The ids of the groups that this client is in. */
  async groups(): Promise<Buffer[]> {
    this.#requireOpen("groups");
    return Array.from(this.#groups.values(), (group) => group.groupId);
  }

  /** What this client counted, for `tinymls/metrics` and others: each message costs it an addition. */
  metrics(): ClientMetrics {
    const { counters } = this.#environment;
    return clientMetrics(this.#settings.name, this.#closed, [...this.#groups.values()], counters);
  }

  /** Wipes all keys of the client and of its groups. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await Promise.all(Array.from(this.#groups.values(), (group) => group.close()));
    this.#keyPackages.dispose();
    this.#psks.dispose();
    for (const key of this.#signatureKeys.values()) key.dispose();
    this.#signatureKeys.clear();
  }

  async #begin({ former, wanted, keyPackages, usage, ratchetTree, send }: Beginning): Promise<BegunGroup> {
    this.#requireOpen("begin");
    const suite = this.#suite(wanted.cipherSuite as CipherSuite | undefined);
    const groupId = wanted.groupId ?? randomBytes(suite.Nh);
    const keepsId = usage === ResumptionPSKUsage.reinit && former.groupId.equals(groupId);
    if (!keepsId) this.#requireNew(groupId);
    const { state, welcome } = await startFollowingGroup(this.#environment, {
      suite,
      groupId,
      extensions: wanted.extensions ?? [],
      keyPackages,
      usage,
      former: former.publicEpoch,
      identity: this.#identity(suite),
      lifetime: this.#lifetime(),
      handshake: send.handshake,
      ratchetTree,
    });
    if (keepsId) await former.close();
    return { group: this.#register(state, send), welcome };
  }

  async #checkOrigin(psk: ResumptionPsk, joined: PublicEpoch): Promise<void> {
    const former = this.#groups.get(hex(psk.pskGroupId));
    const epoch = former?.publicEpoch;
    if (epoch === undefined || epoch.context.value.epoch !== psk.pskEpoch) {
      throw new TinyMlsError("missing", "the group that the new one follows is not at the epoch that it follows", {
        operation: "joinGroup",
        component: "mls",
        retryable: false,
      });
    }
    await checkFollows(psk, epoch, joined, this.#settings.policy);
  }

  #createKeyPackage({ lastResort = false, lifetimeMs, cipherSuite }: KeyPackageOptions): OwnKeyPackage {
    const suite = this.#suite(cipherSuite);
    return createKeyPackage(suite, this.#identity(suite), { lifetime: this.#lifetime(lifetimeMs), lastResort });
  }

  #adopt(epoch: MemberEpoch, send: SendPolicy): Group {
    return this.#register(new MemberState(this.#environment, epoch), send);
  }

  #forget(group: Group): void {
    const id = hex(group.groupId);
    if (this.#groups.get(id) === group) this.#groups.delete(id);
  }

  #register(state: MemberState, send: SendPolicy): Group {
    const group = new Group(state, send, this.#host);
    this.#groups.set(hex(group.groupId), group);
    return group;
  }

  #send(handshake: HandshakePolicy | undefined): SendPolicy {
    const { send } = this.#settings;
    return handshake === undefined ? send : sendPolicy(handshake, send.padding);
  }

  #suite(cipherSuite?: CipherSuite | CipherSuiteName): Suite {
    return cipherSuite === undefined ? this.#settings.suite : suiteFrom(cipherSuite);
  }

  #identity(suite: Suite): LeafIdentity {
    const { credential, supported, leafExtensions } = this.#settings;
    return {
      credential,
      signatureKey: this.#signatureKey(suite),
      capabilities: capabilitiesOf(supported, credential.credentialType),
      extensions: leafExtensions,
    };
  }

  /** One key for each signature scheme. A certificate is for one key, so with X.509 there is no other. */
  #signatureKey(suite: Suite): PrivateKey {
    const scheme = suite.algorithms.signature;
    const known = this.#signatureKeys.get(scheme);
    if (known !== undefined) return known;
    if (this.#settings.credential.credentialType === CredentialType.x509) {
      throw new TinyMlsError("config", `signatureKey has to be the ${scheme} key that the credential certifies`, {
        operation: "Client",
        component: "mls",
      });
    }
    const key = suite.generateSignatureKeyPair();
    this.#signatureKeys.set(scheme, key);
    return key;
  }

  /** From an hour ago, since clocks differ. */
  #lifetime(lifetimeMs = this.#settings.keyPackageLifetimeMs): Lifetime {
    const now = Math.floor(this.#settings.policy.now() / 1000);
    return { notBefore: BigInt(Math.max(0, now - 3600)), notAfter: BigInt(now + Math.floor(lifetimeMs / 1000)) };
  }

  #requireNew(groupId: Bytes): void {
    if (!this.#groups.has(hex(groupId))) return;
    throw new TinyMlsError("conflict", "this client is in a group with that id", {
      component: "mls",
      retryable: false,
    });
  }

  #requireOpen(operation: string): void {
    if (this.#closed) throw new TinyMlsError("closed", "the client is closed", { operation, component: "mls" });
  }
}

function formerLeaf(tree: RatchetTree, identity: LeafIdentity, { credential }: ClientSettings): number | undefined {
  const sameKey = tree.memberWithSignatureKey(identity.signatureKey.publicKey);
  if (sameKey !== undefined) return sameKey;
  for (const [leafIndex, leaf] of tree.members()) {
    if (sameIdentity(leaf.decode().credential, credential)) return leafIndex;
  }
  return undefined;
}

function groupInfoFrom(bytes: Bytes, operation: string): GroupInfo {
  const message = decode(MLSMessage, bytes);
  if (message.wireFormat !== WireFormat.mlsGroupInfo) throw unexpected(operation, "a GroupInfo");
  const { cipherSuite } = message.groupInfo.groupContext;
  if (!isCipherSuite(cipherSuite)) refuse("12.4.3.1/cipher-suite", `suite ${cipherSuite}`);
  return message.groupInfo;
}

function unexpected(operation: string, wanted: string): TinyMlsError {
  return new TinyMlsError("usage", `${operation} takes ${wanted}`, { operation, component: "mls" });
}

function hex(bytes: Bytes): string {
  return Buffer.from(bytes).toString("hex");
}
