import { ownCopy } from "../codec/index.js";
import { Context, type ContextOptions } from "../context/index.js";
import { TinyMlsError } from "../errors.js";
import { decodeSecret, type Secret } from "../native/secret.js";
import * as shapes from "./group/arguments.js";
import { takes, takesOptions } from "./group/arguments.js";
import { asked, type PskReference, type ReInitOptions } from "./group/asked-proposals.js";
import type { CommitOptions, LeafChanges } from "./group/build-commit.js";
import { epochOf, type MemberEpoch, type PublicEpoch } from "./group/epoch.js";
import { createGroupInfo, encodeGroupInfo } from "./group/group-info.js";
import { membersOf, type Member } from "./group/member.js";
import type { MemberState } from "./group/member-state.js";
import { planAdd, type AddPlan } from "./group/plan-add.js";
import { pendingProposals } from "./group/receive-public.js";
import type { PendingProposal, Received } from "./group/received.js";
import { receiveAll, receiveOne } from "./group/receive-messages.js";
import { applicationMessage, proposalMessage, updateMessage } from "./group/send.js";
import { groupHealth, type GroupHealth } from "./group-health.js";
import type { BegunGroup, GroupHost, SendPolicy } from "./group-host.js";
import { ResumptionPSKUsage, type Extension, type Proposal } from "./objects/index.js";
import { KeptState, type StoredGroup } from "./kept-state.js";
import { OwnCommits, type Gate } from "./own-commits.js";
import type { PendingCommit } from "./pending-commit.js";
import { mlsExporter } from "./schedule/index.js";
import type { CipherSuite } from "./suite/index.js";
import { Turns } from "./group/turns.js";

type Bytes = Uint8Array;

const none: Bytes = new Uint8Array(0);

/**
 * One group, as one of its members sees it (RFC 9420). Operations run one after the other, in the order in which they are called.
 * Made by `Client`.
 */
export class Group {
  readonly #kept: KeptState;
  readonly #policy: SendPolicy;
  readonly #host: GroupHost;
  readonly #turns = new Turns();
  readonly #gate: Gate = {
    open: (operation, run) => this.#turn(operation, run, (name) => this.#requireOpen(name)),
    active: (operation, run) => this.#turn(operation, run, (name) => this.#requireActive(name)),
  };
  readonly #commits: OwnCommits;
  #closed: string | undefined;
  /** @internal Undefined unless it is about to be closed. */
  closing: Promise<void> | undefined;

  /** @internal */
  constructor(state: MemberState, policy: SendPolicy, host: GroupHost, stored?: StoredGroup) {
    this.#kept = new KeptState(state, stored?.held, {
      prepared: () => this.#commits.pending?.prepared,
      reloaded: (pending) => this.#commits.reloaded(pending),
      lost: () => this.#close("another process took it over"),
    });
    this.#policy = policy;
    this.#host = host;
    this.#commits = new OwnCommits(this.#kept, policy.handshake, this.#gate, stored?.pending);
  }

  get groupId(): Buffer {
    return Buffer.from(this.#epoch.context.value.groupId);
  }
  get epoch(): bigint {
    return epochOf(this.#epoch);
  }
  get cipherSuite(): CipherSuite {
    return this.#epoch.suite.id;
  }
  get ownLeafIndex(): number {
    return this.#epoch.ownLeafIndex;
  }
  /** The extensions of the group context. */
  get extensions(): readonly Extension[] {
    return this.#epoch.context.value.extensions;
  }
  /** The commit of this client that is made and neither confirmed, discarded nor superseded. */
  get pendingCommit(): PendingCommit | undefined {
    return this.#commits.pending;
  }
  /** Set once a commit reinitialized the group (RFC 9420 §11.2): what the new group has to be. */
  get reinitialized(): ReInitOptions | undefined {
    return this.#epoch.reinit;
  }
  get isClosed(): boolean {
    return this.#closed !== undefined;
  }

  /** From left to right in the tree. */
  members(): Member[] {
    this.#requireOpen("members");
    return membersOf(this.#epoch.tree);
  }

  /**
   * An application message for the group, a PrivateMessage.
   * @param options.authenticatedData sent in the clear, and authenticated
   * @throws TinyMlsError `conflict` while proposals wait for a commit (RFC 9420 §12.4)
   */
  sendMessage(data: Bytes | string, options: { readonly authenticatedData?: Bytes } = {}): Promise<Buffer> {
    return this.#gate.active("sendMessage", () => {
      takes("sendMessage", data, "data", shapes.octetsOrText);
      takesOptions("sendMessage", options, shapes.sendOptions);
      if (this.#state.proposals.size > 0) {
        throw new TinyMlsError("conflict", "proposals wait for a commit: commit() before sending application data", {
          operation: "sendMessage",
          component: "mls",
          rule: "12.4/commit-first",
          section: "RFC 9420 §12.4",
        });
      }
      const bytes = typeof data === "string" ? Buffer.from(data, "utf8") : data;
      const { authenticatedData = none } = options;
      return this.#kept.reserved(() => {
        return applicationMessage(this.#state, bytes, authenticatedData, this.#policy.padding);
      });
    });
  }

  /** Takes in a message of the group. What comes of it is told, never thrown: see `Received`. */
  receiveMessage(message: Bytes): Promise<Received> {
    const own = ownCopy(message);
    return this.#gate.open("receiveMessage", async () => {
      takes("receiveMessage", own, "message", shapes.octets);
      return this.#state.environment.counters.count(this.#received(await receiveOne(this.#state, own)));
    });
  }

  /** The same for many, signatures verified in parallel off the event loop, applied in order. */
  receiveMessages(messages: readonly Bytes[]): Promise<Received[]> {
    const own = Array.isArray(messages) ? (messages as readonly Bytes[]).map(ownCopy) : messages;
    return this.#gate.open("receiveMessages", async () => {
      takes("receiveMessages", own, "messages", shapes.listOfOctets);
      const outcomes = await receiveAll(this.#state, own, (outcome) => this.#received(outcome));
      return outcomes.map((outcome) => this.#state.environment.counters.count(outcome));
    });
  }

  /** Proposes to add the client of a key package (a KeyPackage, or an MLSMessage that holds one). */
  proposeAdd(keyPackage: Bytes): Promise<Buffer> {
    return this.#propose("proposeAdd", () => asked.add(keyPackage));
  }

  /** Proposes a fresh key for the own leaf, with changes if wanted. */
  proposeUpdate(changes: LeafChanges = {}): Promise<Buffer> {
    return this.#gate.active("proposeUpdate", () => {
      takesOptions("proposeUpdate", changes, shapes.leafChanges);
      return updateMessage(this.#state, changes, this.#policy.handshake);
    });
  }

  /** Proposes to remove a member. */
  proposeRemove(leafIndex: number): Promise<Buffer> {
    return this.#propose("proposeRemove", () => asked.remove(leafIndex));
  }

  /** Proposes to inject a PSK into the next epoch. */
  proposePsk(reference: PskReference): Promise<Buffer> {
    return this.#propose("proposePsk", ({ suite, context }) => asked.psk(suite, context.value, reference));
  }

  /** Proposes to go on in a new group (RFC 9420 §11.2). */
  proposeReInit(options: ReInitOptions = {}): Promise<Buffer> {
    return this.#propose("proposeReInit", ({ suite, context }) => asked.reinit(suite, context.value, options));
  }

  /** Proposes to replace all group context extensions. */
  proposeGroupContextExtensions(extensions: readonly Extension[]): Promise<Buffer> {
    return this.#propose("proposeGroupContextExtensions", () => asked.groupContextExtensions(extensions));
  }

  /** A proposal of an application's own type (RFC 9420 §13.2), which all members have to support. */
  proposeCustom(type: number, data: Bytes): Promise<Buffer> {
    return this.#propose("proposeCustom", () => asked.custom(type, data));
  }

  /** A proposal that this member be removed: a member cannot commit that itself. */
  leave(): Promise<Buffer> {
    return this.#propose("leave", ({ ownLeafIndex }) => asked.remove(ownLeafIndex));
  }

  /** The proposals of this epoch that wait for a commit, in the order in which they came. */
  pendingProposals(): PendingProposal[] {
    this.#requireOpen("pendingProposals");
    return pendingProposals(this.#state);
  }

  /** A verdict for each key package; `commit({ add: plan })` adds those that are accepted. */
  async planAdd(keyPackages: readonly Bytes[]): Promise<AddPlan> {
    this.#requireActive("planAdd");
    takes("planAdd", keyPackages, "keyPackages", shapes.listOfOctets);
    const { epoch, environment } = this.#state;
    const { extensions } = epoch.context.value;
    const setting = { epoch, policy: environment.policy, extensions, removed: new Set<number>() };
    return planAdd({ ...setting, support: epoch.tree.support }, keyPackages);
  }

  /**
   * Makes a commit of what is asked for and, by default, of all valid proposals received. Nothing changes before it is confirmed.
   * @throws TinyMlsError `conflict` while another commit is pending; `invalid` with the rule; `missing` for a PSK
   */
  commit(options: CommitOptions = {}): Promise<PendingCommit> {
    return this.#commits.prepare(options);
  }

  /** Commits a ReInit: once it is confirmed the group takes no more messages, and `reinitialize` begins the new one. */
  reinit(options: ReInitOptions = {}): Promise<PendingCommit> {
    return this.commit({ reinit: options });
  }

  /**
   * Begins the group that a committed ReInit asks for (RFC 9420 §11.2). Members who join it check it against this one: close this one
   * afterwards. Where the new group has the same id, it takes the place of this one, which is closed.
   * @param keyPackages one of each other member, for the new cipher suite
   */
  async reinitialize(
    keyPackages: readonly Bytes[],
    options: { readonly ratchetTree?: boolean | undefined } = {},
  ): Promise<BegunGroup> {
    this.#requireOpen("reinitialize");
    takes("reinitialize", keyPackages, "keyPackages", shapes.listOfOctets);
    takesOptions("reinitialize", options, shapes.beginOptions);
    const { reinit } = this.#epoch;
    if (reinit === undefined) {
      throw new TinyMlsError("usage", "reinitialize takes a group whose ReInit is committed", {
        operation: "reinitialize",
        component: "mls",
      });
    }
    const { ratchetTree = true } = options;
    const usage = ResumptionPSKUsage.reinit;
    return this.#host.begin({ former: this, wanted: reinit, keyPackages, usage, ratchetTree, send: this.#policy });
  }

  /**
   * Begins a group with some of the members of this one (RFC 9420 §11.3), of the same cipher suite.
   * @param keyPackages one of each other member of the branch
   * @param options.extensions of the new group context. Default: those of this group
   */
  async branch(
    keyPackages: readonly Bytes[],
    options: {
      readonly groupId?: Bytes | undefined;
      readonly extensions?: readonly Extension[] | undefined;
      readonly ratchetTree?: boolean | undefined;
    } = {},
  ): Promise<BegunGroup> {
    this.#requireActive("branch");
    takes("branch", keyPackages, "keyPackages", shapes.listOfOctets);
    takesOptions("branch", options, shapes.branchOptions);
    const { groupId, extensions = this.extensions, ratchetTree = true } = options;
    const wanted = { groupId, extensions, cipherSuite: this.cipherSuite };
    const usage = ResumptionPSKUsage.branch;
    return this.#host.begin({ former: this, wanted, keyPackages, usage, ratchetTree, send: this.#policy });
  }

  /** MLS-Exporter (RFC 9420 §8.5) as a handle. `length` in octets, at most 255 * KDF.Nh. The secret is the caller's. */
  exportKey(label: string, context: Bytes, length: number): Secret {
    this.#requireOpen("exportKey");
    takes("exportKey", label, "label", shapes.text);
    const { suite, secrets } = this.#epoch;
    return mlsExporter(suite, secrets.exporterSecret, label, context, length);
  }

  /** The same as bytes, for other libraries. Wipe them when they are not needed any more. */
  exportSecret(label: string, context: Bytes, length: number): Buffer {
    using secret = this.exportKey(label, context, length);
    return decodeSecret(secret, (bytes) => Buffer.from(bytes));
  }

  /**
   * A `Context` keyed by this epoch's exporter: all members that open one with the same label and options in the same epoch share
   * it. It lives on when the group goes to the next epoch.
   */
  openContext(label: string, options: Omit<ContextOptions, "secret"> = {}): Context {
    takesOptions("openContext", options, shapes.contextOptions);
    using secret = this.exportKey(label, none, 32);
    return new Context({ ...options, secret });
  }

  /**
   * The signed GroupInfo of the current epoch, an MLSMessage, for those who join by an external commit.
   * @param options.ratchetTree with the ratchet tree. Default: true
   * @param options.externalPub with the key for external commits. Default: true
   */
  groupInfo(
    options: { readonly ratchetTree?: boolean; readonly externalPub?: boolean; readonly extensions?: Extension[] } = {},
  ): Promise<Buffer> {
    return this.#gate.active("groupInfo", () => {
      takesOptions("groupInfo", options, shapes.groupInfoOptions);
      const { ratchetTree = true, externalPub = true, extensions } = options;
      return encodeGroupInfo(createGroupInfo(this.#epoch, { ratchetTree, externalPub, extensions }));
    });
  }

  /** RFC 9420 §8.7: members who compare theirs and find them equal have the same view of the group. */
  epochAuthenticator(): Buffer {
    this.#requireOpen("epochAuthenticator");
    return this.#epoch.secrets.epochAuthenticator();
  }

  /** The body of a ratchet_tree extension (RFC 9420 §12.4.3.3). */
  ratchetTree(): Buffer {
    this.#requireOpen("ratchetTree");
    return this.#epoch.tree.encode();
  }

  /** What an operator may want to know: members, unrotated leaves, what is kept for late messages. */
  health(): GroupHealth {
    if (this.#closed === undefined) this.#state.expire();
    return groupHealth(this.#state, this.#commits.pending, this.#closed);
  }

  /**
   * Wipes all that this process holds of the group. The client stays a member; `leave()` asks the others to remove it. What is stored
   * stays for `loadGroup`, here or in another process. Operations that wait for the `AuthenticationService` fail with `closed`.
   * @param options.forget deletes what is stored too: say of an external join that was not accepted. Default: false
   */
  async close(options: { readonly forget?: boolean | undefined } = {}): Promise<void> {
    takesOptions("close", options, shapes.closeOptions);
    const close = async (): Promise<void> => {
      if (this.#closed !== undefined) return;
      await this.#kept.close(options.forget === true);
      this.#close("closed");
    };
    const closing = this.#state.environment.questions.end(() => this.#turns.take(close));
    return (this.closing = closing).finally(() => (this.closing = undefined));
  }

  /** @internal Lent; undefined once the group is closed. */
  get state(): MemberState | undefined {
    return this.#closed === undefined ? this.#state : undefined;
  }

  /** @internal */
  get publicEpoch(): PublicEpoch {
    return this.#epoch;
  }

  get #state(): MemberState {
    return this.#kept.current;
  }

  get #epoch(): MemberEpoch {
    return this.#state.epoch;
  }

  #turn<T>(operation: string, run: () => T | Promise<T>, check: (operation: string) => void): Promise<T> {
    return this.#turns.take(() => {
      this.#requireNotClosed(operation);
      return this.#kept.run(() => (check(operation), this.#state.expire(), run()));
    });
  }

  #propose(operation: string, proposal: (epoch: MemberEpoch) => Proposal): Promise<Buffer> {
    return this.#gate.active(operation, () => {
      return proposalMessage(this.#state, proposal(this.#epoch), this.#policy.handshake, none);
    });
  }

  /** A commit of someone else took the place of the one that was pending. */
  #received(outcome: Received): Received {
    if (outcome.kind !== "commit") return outcome;
    this.#commits.supersede();
    if (!outcome.selfRemoved) return outcome;
    this.#kept.end();
    this.#close("this client was removed from the group");
    return outcome;
  }

  #close(reason: string): void {
    if (this.#closed !== undefined) return;
    this.#closed = reason;
    this.#commits.close();
    this.#state.dispose();
    this.#host.forget();
  }

  #requireOpen(operation: string): void {
    this.#requireNotClosed(operation);
    this.#kept.requireStored(operation);
  }

  #requireNotClosed(operation: string): void {
    if (this.#closed === undefined) return;
    throw new TinyMlsError("closed", `the group is closed: ${this.#closed}`, { operation, component: "mls" });
  }

  #requireActive(operation: string): void {
    this.#requireOpen(operation);
    if (this.#epoch.reinit === undefined) return;
    throw new TinyMlsError("closed", "the group is reinitialized: go on in the new one", {
      operation,
      component: "mls",
      rule: "11.2/reinitialized",
      section: "RFC 9420 §11.2",
    });
  }
}
