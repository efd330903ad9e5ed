import { decode, encode } from "../codec/index.js";
import { TinyMlsError } from "../errors.js";
import { randomBytes } from "../native/random.js";
import { Secret } from "../native/secret.js";
import {
  handshakePolicy,
  lifetimeFrom,
  sendPolicy,
  settingsFrom,
  suiteFrom,
  type ClientOptions,
  type ClientSettings,
  type GroupOptions,
  type JoinExternalOptions,
  type JoinOptions,
  type KeyPackageOptions,
} from "./client-options.js";
import { ClientStore } from "./durable/client-store.js";
import { formerLeaf, groupInfoFrom, unexpectedMessage } from "./external-join.js";
import { Group } from "./group.js";
import type { Beginning, BegunGroup, GroupHost, SendPolicy } from "./group-host.js";
import { pskId } from "./group/build-commit.js";
import { clientMetrics, type ClientMetrics } from "./client-metrics.js";
import { Counters } from "./group/counters.js";
import { capabilitiesOf } from "./group/capabilities.js";
import type { MemberEpoch } from "./group/epoch.js";
import { createExternalCommit } from "./group/external-commit.js";
import { checkOrigin } from "./group/followed-group.js";
import { joinByWelcome } from "./group/join.js";
import { createKeyPackage, type LeafIdentity, type OwnKeyPackage } from "./group/key-package.js";
import { MemberState, type GroupEnvironment } from "./group/member-state.js";
import { createGroup } from "./group/new-group.js";
import { outsideProposal } from "./group/outside-proposal.js";
import { SignatureKeys } from "./signature-keys.js";
import { startFollowingGroup } from "./group/subgroup.js";
import type { StoredGroup } from "./kept-state.js";
import { KeyPackageStore } from "./key-package-store.js";
import {
  CredentialType,
  MLSMessage,
  ProposalType,
  ProtocolVersion,
  ResumptionPSKUsage,
  SenderType,
  WireFormat,
  type KeyPackage,
} from "./objects/index.js";
import { PskStore } from "./psk-store.js";
import type { CipherSuite, CipherSuiteName, Suite } from "./suite/index.js";

type Bytes = Uint8Array;

/** How a new group is kept. */
interface Keeping {
  /** In place of one with the same id. */
  readonly replaces?: boolean;
  /** The key package that is used up. */
  readonly used?: OwnKeyPackage | undefined;
}

/** One client of MLS (RFC 9420): its identity, its key packages and its groups. */
export class Client {
  readonly #settings: ClientSettings;
  readonly #signatureKeys: SignatureKeys;
  readonly #store: ClientStore | undefined;
  readonly #keyPackages: KeyPackageStore;
  readonly #psks = new PskStore();
  readonly #groups = new Map<string, Group>();
  readonly #environment: GroupEnvironment;
  readonly #host: GroupHost = {
    begin: (beginning) => this.#begin(beginning),
    forget: (group) => this.#forget(group),
  };
  #closed = false;

  private constructor(settings: ClientSettings, store: ClientStore | undefined) {
    this.#settings = settings;
    this.#store = store;
    this.#keyPackages = new KeyPackageStore(store);
    this.#signatureKeys = new SignatureKeys(settings.credential.credentialType === CredentialType.x509, store);
    this.#environment = {
      policy: settings.policy,
      retention: settings.retention,
      counters: new Counters(),
      psks: {
        external: (id) => this.#psks.get(id),
        resumption: (groupId, epoch) => this.#stateOf(groupId)?.resumptionPsk(epoch),
      },
    };
  }

  /**
   * A client; with a storage that has the state of one with this identity, that one.
   * @throws TinyMlsError `config` with the name of the option that is wrong; `undecryptable`, `malformed`, `missing` or `storage` with the
   *   record in `path` where what is stored cannot be read
   */
  static async create(options: ClientOptions): Promise<Client> {
    const settings = settingsFrom(options);
    const { stored, policy } = settings;
    const store = stored && (await ClientStore.open({ ...stored, now: policy.now }));
    const client = new Client(settings, store);
    try {
      await client.#signatureKeys.load(options.signatureKey, settings.suite);
      for (const [id, psk] of (await store?.psks()) ?? []) client.#psks.add(id, psk);
      return client;
    } catch (error) {
      await client.close();
      throw error;
    }
  }

  /** The public signature key for a cipher suite, as RFC 9420 §5.1.1 encodes it. */
  signaturePublicKey(cipherSuite?: CipherSuite | CipherSuiteName): Buffer {
    this.#requireOpen("signaturePublicKey");
    return this.#signatureKeys.of(this.#suite(cipherSuite)).publicKey;
  }

  /** A fresh key package for others to add this client by: an MLSMessage. */
  async createKeyPackage(options: KeyPackageOptions = {}): Promise<Buffer> {
    this.#requireOpen("createKeyPackage");
    const keyPackage = await this.#newKeyPackage(options);
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
        lifetime: lifetimeFrom(this.#settings),
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
    if (message.wireFormat !== WireFormat.mlsWelcome) throw unexpectedMessage("joinGroup", "a Welcome");
    const keyPackage = await this.#keyPackages.take(message.welcome);
    let used = false;
    try {
      const suite = suiteFrom(keyPackage.value.cipherSuite);
      const epoch = await joinByWelcome({
        ...this.#environment,
        suite,
        welcome: message.welcome,
        keyPackage,
        signatureKey: this.#signatureKeys.of(suite),
        ratchetTree: options.ratchetTree,
        hasGroup: (groupId) => this.#hasGroup(groupId),
        checkOrigin: (psk, joined) => checkOrigin(psk, this.#stateOf(psk.pskGroupId), joined, this.#settings.policy),
      });
      used = !keyPackage.isLastResort;
      if (!used) {
        const fields = { ref: hex(keyPackage.ref), groupId: hex(epoch.context.value.groupId) };
        this.#settings.logger?.warn(fields, "a key package of last resort was used: rotate the own keys soon");
      }
      // A ReInit that keeps the group id: the new group takes the place of the one that is over.
      return await this.#adopt(epoch, send, { replaces: true, used: used ? keyPackage : undefined });
    } catch (error) {
      used = false;
      throw error;
    } finally {
      if (used) keyPackage.dispose();
      else this.#keyPackages.giveBack(keyPackage);
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
    if (options.resync !== true) this.#requireNew(groupId);
    const identity = this.#identity(suite);
    const { epoch, commit } = await createExternalCommit({
      ...this.#environment,
      suite,
      groupInfo: info,
      ratchetTree: options.ratchetTree,
      identity,
      formerLeaf: (tree) => (options.resync === true ? formerLeaf(tree, identity) : undefined),
      psks: (options.psks ?? []).map((reference) => pskId(suite, groupId, reference)),
      pskLookup: this.#environment.psks,
    });
    this.#environment.counters.sent++;
    return { group: await this.#adopt(epoch, send, { replaces: options.resync === true }), commit };
  }

  /** Asks to be added to a group, from outside: a proposal to be published, for a member to commit. */
  async proposeJoin(groupInfo: Bytes): Promise<Buffer> {
    this.#requireOpen("proposeJoin");
    const { groupContext } = groupInfoFrom(groupInfo, "proposeJoin");
    const { cipherSuite, groupId, epoch } = groupContext;
    const suite = suiteFrom(cipherSuite);
    const keyPackage = await this.#newKeyPackage({ cipherSuite: suite.id });
    const proposal = { proposalType: ProposalType.add, keyPackage };
    const sender = { senderType: SenderType.newMemberProposal };
    this.#environment.counters.sent++;
    return outsideProposal(suite, { groupId, epoch }, sender, proposal, this.#signatureKeys.of(suite));
  }

  /**
   * A PSK that others know by the same id, for use at once; stored when the promise resolves. Bytes are copied: wipe them when they are not
   * needed any more.
   */
  async addPsk(id: Bytes | string, psk: Secret | Bytes): Promise<void> {
    this.#requireOpen("addPsk");
    const kept = psk instanceof Secret ? psk.clone() : Secret.from(psk);
    const octets = Buffer.from(id as string);
    this.#psks.add(octets, kept);
    await this.#store?.savePsk(octets, kept);
  }

  /** Erases a PSK; false where there is none with that id. */
  async removePsk(id: Bytes | string): Promise<boolean> {
    const octets = Buffer.from(id as string);
    const found = this.#psks.remove(octets);
    await this.#store?.deletePsk(octets);
    return found;
  }

  /**
   * A group that this client is in, from its storage where it is not open; undefined when it is in none with that id.
   * @throws TinyMlsError `conflict` while another process holds it; `undecryptable`, `malformed` or `missing` with the record in `path`
   *   where what is stored is damaged: `joinExternal` with `resync` then begins anew
   */
  async loadGroup(groupId: Bytes): Promise<Group | undefined> {
    this.#requireOpen("loadGroup");
    const open = this.#groups.get(hex(groupId));
    if (open !== undefined || this.#store === undefined) return open;
    const found = await this.#store.loadGroup(groupId, this.#environment);
    if (found === undefined) return undefined;
    const { held, loaded } = found;
    return this.#register(loaded.state, this.#send(held.handshake), { held, pending: loaded.pending });
  }

  /** The ids of the groups that this client is in, open or not. */
  async groups(): Promise<Buffer[]> {
    this.#requireOpen("groups");
    if (this.#store !== undefined) return this.#store.groups();
    return Array.from(this.#groups.values(), (group) => group.groupId);
  }

  /** What this client counted, for `tinymls/metrics` and others: each message costs it an addition. */
  metrics(): ClientMetrics {
    return clientMetrics(this.#settings.name, this.#closed, [...this.#groups.values()], this.#environment.counters);
  }

  /** Wipes all keys of the client and of its groups. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await Promise.all(Array.from(this.#groups.values(), (group) => group.close()));
    this.#keyPackages.dispose();
    this.#psks.dispose();
    this.#signatureKeys.dispose();
    await this.#store?.close();
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
      lifetime: lifetimeFrom(this.#settings),
      handshake: send.handshake,
      ratchetTree,
    });
    return { group: await this.#keep(state, send, { replaces: keepsId }), welcome };
  }

  /** Of a group that is open. */
  #stateOf(groupId: Bytes): MemberState | undefined {
    return this.#groups.get(hex(groupId))?.state;
  }

  async #newKeyPackage({ lastResort = false, lifetimeMs, cipherSuite }: KeyPackageOptions): Promise<KeyPackage> {
    const suite = this.#suite(cipherSuite);
    const own = createKeyPackage(suite, this.#identity(suite), {
      lifetime: lifetimeFrom(this.#settings, lifetimeMs),
      lastResort,
    });
    await this.#signatureKeys.save();
    await this.#keyPackages.add(own);
    return own.value;
  }

  #adopt(epoch: MemberEpoch, send: SendPolicy, options?: Keeping): Promise<Group> {
    return this.#keep(new MemberState(this.#environment, epoch), send, options);
  }

  /** Stores a new group, in place of one with the same id where that is wanted. */
  async #keep(state: MemberState, send: SendPolicy, options: Keeping = {}): Promise<Group> {
    try {
      const former = options.replaces === true ? this.#groups.get(hex(state.epoch.context.value.groupId)) : undefined;
      await this.#signatureKeys.save();
      await former?.close();
      const held = await this.#store?.addGroup(state, handshakePolicy(send), options);
      return this.#register(state, send, held && { held });
    } catch (error) {
      state.dispose();
      throw error;
    }
  }

  #forget(group: Group): void {
    const id = hex(group.groupId);
    if (this.#groups.get(id) === group) this.#groups.delete(id);
  }

  #register(state: MemberState, send: SendPolicy, stored?: StoredGroup): Group {
    const group = new Group(state, send, this.#host, stored);
    this.#groups.set(hex(group.groupId), group);
    return group;
  }

  #send(handshake: GroupOptions["handshake"]): SendPolicy {
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
      signatureKey: this.#signatureKeys.of(suite),
      capabilities: capabilitiesOf(supported, credential.credentialType),
      extensions: leafExtensions,
    };
  }

  #hasGroup(groupId: Bytes): boolean {
    return this.#groups.has(hex(groupId)) || this.#store?.hasGroup(groupId) === true;
  }

  #requireNew(groupId: Bytes): void {
    if (!this.#hasGroup(groupId)) return;
    throw new TinyMlsError("conflict", "this client is in a group with that id", {
      component: "mls",
      retryable: false,
    });
  }

  #requireOpen(operation: string): void {
    if (this.#closed) throw new TinyMlsError("closed", "the client is closed", { operation, component: "mls" });
  }
}

function hex(bytes: Bytes): string {
  return Buffer.from(bytes).toString("hex");
}
