import { decode, encode, ownCopy } from "../codec/index.js";
import { TinyMlsError } from "../errors.js";
import { randomBytes } from "../native/random.js";
import { Secret } from "../native/secret.js";
import {
  groupOptions,
  joinExternalOptions,
  joinOptions,
  keyPackageOptions,
  octets,
  octetsOrText,
  secretOrOctets,
  takes,
  takesOptions,
} from "./group/arguments.js";
import {
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
import { ClientGroups, type Keeping } from "./client-groups.js";
import { ClientStore } from "./durable/client-store.js";
import { formerLeaf, groupInfoFrom, unexpectedMessage } from "./external-join.js";
import type { Group } from "./group.js";
import type { Beginning, BegunGroup, SendPolicy } from "./group-host.js";
import { pskId } from "./group/asked-proposals.js";
import { clientMetrics, type ClientMetrics } from "./client-metrics.js";
import { Counters } from "./group/counters.js";
import { capabilitiesOf } from "./group/capabilities.js";
import type { MemberEpoch } from "./group/epoch.js";
import { createExternalCommit } from "./group/external-commit.js";
import { checkOrigin } from "./group/followed-group.js";
import { joinByWelcome } from "./group/join.js";
import { createKeyPackage, type LeafIdentity } from "./group/key-package.js";
import { MemberState, type GroupEnvironment } from "./group/member-state.js";
import { createGroup } from "./group/new-group.js";
import { ownExtensions } from "./group/own-copies.js";
import { outsideProposal } from "./group/outside-proposal.js";
import { withQuestions } from "./group/questions.js";
import { SignatureKeys } from "./signature-keys.js";
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
  type KeyPackage,
} from "./objects/index.js";
import { PskStore } from "./psk-store.js";
import { Running } from "./running.js";
import type { CipherSuite, CipherSuiteName, Suite } from "./suite/index.js";

type Bytes = Uint8Array;

/** One client of MLS (RFC 9420): its identity, its key packages and its groups. */
export class Client {
  readonly #settings: ClientSettings;
  readonly #signatureKeys: SignatureKeys;
  readonly #store: ClientStore | undefined;
  readonly #keyPackages: KeyPackageStore;
  readonly #psks = new PskStore();
  readonly #groups: ClientGroups;
  readonly #environment: GroupEnvironment;
  readonly #running = new Running();
  #closing: Promise<void> | undefined;

  private constructor(settings: ClientSettings, store: ClientStore | undefined) {
    this.#settings = settings;
    this.#store = store;
    this.#groups = new ClientGroups(store, { begin: (beginning) => this.#begin(beginning) });
    this.#keyPackages = new KeyPackageStore(store);
    this.#signatureKeys = new SignatureKeys(settings.credential.credentialType === CredentialType.x509, store);
    this.#environment = withQuestions({
      policy: settings.policy,
      retention: settings.retention,
      counters: new Counters(),
      psks: {
        external: (id) => this.#psks.get(id),
        resumption: (groupId, epoch) => this.#groups.stateOf(groupId)?.resumptionPsk(epoch),
      },
    });
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
  createKeyPackage(options: KeyPackageOptions = {}): Promise<Buffer> {
    return this.#run("createKeyPackage", async () => {
      takesOptions("createKeyPackage", options, keyPackageOptions);
      const keyPackage = await this.#newKeyPackage(options);
      return encode(MLSMessage, { version: ProtocolVersion.mls10, wireFormat: WireFormat.mlsKeyPackage, keyPackage });
    });
  }

  /** A group with this client as its only member. */
  createGroup(options: GroupOptions = {}): Promise<Group> {
    return this.#run("createGroup", async () => {
      takesOptions("createGroup", options, groupOptions);
      const suite = this.#suite(options.cipherSuite);
      const groupId = Buffer.from(options.groupId ?? randomBytes(suite.Nh));
      this.#groups.requireNew(groupId);
      const send = this.#send(options.handshake);
      return this.#adopt(
        createGroup({
          suite,
          groupId,
          extensions: ownExtensions(options.extensions ?? []),
          identity: this.#identity(suite),
          lifetime: lifetimeFrom(this.#settings),
          retention: this.#settings.retention,
          now: this.#settings.policy.now,
        }),
        send,
      );
    });
  }

  /**
   * Joins the group that a Welcome (an MLSMessage) invites to. The key package that it is for is used up, unless it is one of last
   * resort or the Welcome is refused.
   * @throws TinyMlsError `missing` for the key package, the tree or a PSK; `undecryptable`; `malformed`; `invalid` with the rule
   */
  joinGroup(welcome: Bytes, options: JoinOptions = {}): Promise<Group> {
    return this.#run("joinGroup", async () => {
      takesOptions("joinGroup", options, joinOptions);
      const send = this.#send(options.handshake);
      const message = decode(MLSMessage, ownCopy(welcome));
      const ratchetTree = options.ratchetTree && ownCopy(options.ratchetTree);
      if (message.wireFormat !== WireFormat.mlsWelcome) throw unexpectedMessage("joinGroup", "a Welcome");
      return this.#keyPackages.use(message.welcome, async (keyPackage) => {
        const suite = suiteFrom(keyPackage.value.cipherSuite);
        // With a ReInit that keeps the group id the new group takes the place of the one that is over.
        let replaces = false;
        const { policy, psks, retention } = this.#environment;
        const epoch = await joinByWelcome({
          policy,
          psks,
          retention,
          suite,
          welcome: message.welcome,
          keyPackage,
          signatureKey: this.#signatureKeys.of(suite),
          ratchetTree,
          hasGroup: (groupId) => (replaces = this.#groups.has(groupId)),
          checkOrigin: (psk, joined) => checkOrigin(psk, this.#groups.stateOf(psk.pskGroupId), joined, policy),
        });
        if (keyPackage.isLastResort) {
          const fields = { ref: hex(keyPackage.ref), groupId: hex(epoch.context.value.groupId) };
          this.#settings.logger?.warn(fields, "a key package of last resort was used: rotate the own keys soon");
        }
        return this.#adopt(epoch, send, { replaces, used: keyPackage.isLastResort ? undefined : keyPackage });
      });
    });
  }

  /**
   * Joins a group by an external commit, which is to be published. Until it is known to be accepted, the group is of no use to
   * others; `close()` it when it is not.
   * @param groupInfo an MLSMessage
   */
  joinExternal(
    groupInfo: Bytes,
    options: JoinExternalOptions = {},
  ): Promise<{ readonly group: Group; readonly commit: Buffer }> {
    return this.#run("joinExternal", async () => {
      takesOptions("joinExternal", options, joinExternalOptions);
      const send = this.#send(options.handshake);
      const info = groupInfoFrom(groupInfo, "joinExternal");
      const { groupId, cipherSuite } = info.groupContext;
      const suite = suiteFrom(cipherSuite);
      if (options.resync !== true) this.#groups.requireNew(groupId);
      const identity = this.#identity(suite);
      const { policy, psks, retention } = this.#environment;
      const { epoch, commit } = await createExternalCommit({
        policy,
        retention,
        suite,
        groupInfo: info,
        ratchetTree: options.ratchetTree,
        identity,
        formerLeaf: (tree) => (options.resync === true ? formerLeaf(tree, identity) : undefined),
        psks: (options.psks ?? []).map((reference) => pskId(suite, groupId, reference)),
        pskLookup: psks,
      });
      this.#environment.counters.sent++;
      return { group: await this.#adopt(epoch, send, { replaces: options.resync === true }), commit };
    });
  }

  /** Asks to be added to a group, from outside: a proposal to be published, for a member to commit. */
  proposeJoin(groupInfo: Bytes): Promise<Buffer> {
    return this.#run("proposeJoin", async () => {
      const { groupContext } = groupInfoFrom(groupInfo, "proposeJoin");
      const { cipherSuite, groupId, epoch } = groupContext;
      const suite = suiteFrom(cipherSuite);
      const keyPackage = await this.#newKeyPackage({ cipherSuite: suite.id });
      const proposal = { proposalType: ProposalType.add, keyPackage };
      const sender = { senderType: SenderType.newMemberProposal };
      this.#environment.counters.sent++;
      return outsideProposal(suite, { groupId, epoch }, sender, proposal, this.#signatureKeys.of(suite));
    });
  }

  /**
   * A PSK that others know by the same id, for use at once; stored when the promise resolves. Bytes are copied: wipe them when they are not
   * needed any more.
   */
  addPsk(id: Bytes | string, psk: Secret | Bytes): Promise<void> {
    return this.#run("addPsk", async () => {
      takes("addPsk", id, "id", octetsOrText);
      takes("addPsk", psk, "psk", secretOrOctets);
      const kept = psk instanceof Secret ? psk.clone() : Secret.from(psk);
      const name = Buffer.from(id as string);
      this.#psks.add(name, kept);
      await this.#store?.savePsk(name, kept);
    });
  }

  /** Erases a PSK; false where there is none with that id. */
  removePsk(id: Bytes | string): Promise<boolean> {
    return this.#run("removePsk", async () => {
      takes("removePsk", id, "id", octetsOrText);
      const name = Buffer.from(id as string);
      const found = this.#psks.remove(name);
      await this.#store?.deletePsk(name);
      return found;
    });
  }

  /**
   * A group that this client is in, from its storage where it is not open; undefined when it is in none with that id.
   * @throws TinyMlsError `conflict` while another process holds it; `undecryptable`, `malformed` or `missing` with the record in `path`
   *   where what is stored is damaged: `joinExternal` with `resync` then begins anew
   */
  loadGroup(groupId: Bytes): Promise<Group | undefined> {
    return this.#run("loadGroup", async () => {
      takes("loadGroup", groupId, "groupId", octets);
      return this.#groups.load(groupId, withQuestions(this.#environment), (handshake) => this.#send(handshake));
    });
  }

  /** The ids of the groups that this client is in, open or not. */
  groups(): Promise<Buffer[]> {
    return this.#run("groups", () => this.#groups.ids());
  }

  /** What this client counted, for `tinymls/metrics` and others: each message costs it an addition. */
  metrics(): ClientMetrics {
    return clientMetrics(
      this.#settings.name,
      this.#closing !== undefined,
      this.#groups.all(),
      this.#environment.counters,
    );
  }

  /**
   * Wipes all keys of the client and of its groups, once the operations that were asked for before are over. Those that wait for the
   * `AuthenticationService` fail with `closed`.
   */
  close(): Promise<void> {
    return (this.#closing ??= this.#environment.questions.end(() => this.#close()));
  }

  async #close(): Promise<void> {
    await this.#running.over();
    try {
      await this.#groups.close();
    } finally {
      this.#keyPackages.dispose();
      this.#psks.dispose();
      this.#signatureKeys.dispose();
      await this.#store?.close();
    }
  }

  #begin({ former, wanted, keyPackages, usage, ratchetTree, send }: Beginning): Promise<BegunGroup> {
    return this.#run("begin", async () => {
      const suite = this.#suite(wanted.cipherSuite as CipherSuite | undefined);
      const groupId = Buffer.from(wanted.groupId ?? randomBytes(suite.Nh));
      const keepsId = usage === ResumptionPSKUsage.reinit && former.groupId.equals(groupId);
      if (!keepsId) this.#groups.requireNew(groupId);
      const { state, welcome } = await startFollowingGroup(withQuestions(this.#environment), {
        suite,
        groupId,
        extensions: ownExtensions(wanted.extensions ?? []),
        keyPackages,
        usage,
        former: former.publicEpoch,
        identity: this.#identity(suite),
        lifetime: lifetimeFrom(this.#settings),
        handshake: send.handshake,
        ratchetTree,
      });
      return { group: await this.#keep(state, send, { replaces: keepsId }), welcome };
    });
  }

  async #newKeyPackage({ lastResort = false, lifetimeMs, cipherSuite }: KeyPackageOptions): Promise<KeyPackage> {
    const suite = this.#suite(cipherSuite);
    const identity = this.#identity(suite);
    await this.#signatureKeys.save();
    const own = createKeyPackage(suite, identity, {
      lifetime: lifetimeFrom(this.#settings, lifetimeMs),
      lastResort,
    });
    await this.#keyPackages.add(own);
    return own.value;
  }

  #adopt(epoch: MemberEpoch, send: SendPolicy, options?: Keeping): Promise<Group> {
    return this.#keep(new MemberState(withQuestions(this.#environment), epoch), send, options);
  }

  async #keep(state: MemberState, send: SendPolicy, options?: Keeping): Promise<Group> {
    try {
      await this.#signatureKeys.save();
    } catch (error) {
      state.dispose();
      throw error;
    }
    return this.#groups.add(state, send, options);
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

  #run<T>(operation: string, run: () => Promise<T>): Promise<T> {
    return this.#running.run(async () => {
      this.#requireOpen(operation);
      return run();
    });
  }

  #requireOpen(operation: string): void {
    if (this.#closing !== undefined)
      throw new TinyMlsError("closed", "the client is closed", { operation, component: "mls" });
  }
}

function hex(bytes: Bytes): string {
  return Buffer.from(bytes).toString("hex");
}
