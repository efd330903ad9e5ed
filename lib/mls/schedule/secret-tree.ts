/** RFC 9420 §9. */
import { TinyMlsError } from "../../errors.js";
import type { Secret } from "../../native/secret.js";
import type { Suite } from "../suite/index.js";
import {
  disposeKey,
  HashRatchet,
  maxGeneration,
  messageKey,
  nextRatchetSecret,
  sealWithRatchet,
  type MessageKey,
  type RatchetType,
  type Sealing,
} from "./hash-ratchet.js";
import { NodeSecrets } from "./node-secrets.js";
import { PeekedKey, type KeySource } from "./peeked-key.js";
import { ratchetId, Ratchets, type OwnRatchet } from "./ratchets.js";
import { retentionFrom, type RetentionPolicy } from "./retention.js";
import { disposeEntry, type SecretTreeEntry } from "./secret-tree-entry.js";
import { SkippedKeys } from "./skipped-keys.js";
import { skippedBlock, TouchedKeys, type SkippedBlock } from "./touched-keys.js";

/** Why a key cannot be had: it was used before; the retention policy dropped it; it is too many steps away. */
export type KeyUnavailable = "duplicate" | "dropped" | "tooFarAhead";

export interface SecretTreeOptions {
  /** Leaves of the ratchet tree, blank ones included: 1 to 2^30. */
  readonly leafCount: number;
  /** Whose ratchets {@link SecretTree.seal} takes from. */
  readonly ownLeafIndex?: number;
  readonly retention?: Partial<RetentionPolicy>;
  /** Milliseconds since 1970. Default `Date.now`. */
  readonly now?: () => number;
}

const empty = new Uint8Array(0);
const maxLeafCount = 2 ** 30;

/**
 * The secret tree of one epoch: from encryption_secret to the keys of single messages. Nodes and ratchets come into being when
 * a leaf is first used, and each secret is erased as soon as what follows from it is derived (§9.2).
 *
 * Sending takes keys in order ({@link seal}). Receiving peeks at a key and commits it once the message is known to be genuine
 * ({@link peek}), so that a refused message changes nothing. Not for blank leaves: the caller checks that before.
 */
export class SecretTree {
  readonly suite: Suite;
  readonly leafCount: number;
  readonly ownLeafIndex: number | undefined;
  readonly #nodes: NodeSecrets;
  readonly #ratchets: Ratchets;
  readonly #retention: RetentionPolicy;
  readonly #skipped: SkippedKeys;
  #touched: TouchedKeys | undefined;
  #disposed = false;
  readonly #source: KeySource;

  /** Takes `encryptionSecret` over. */
  constructor(suite: Suite, encryptionSecret: Secret, options: SecretTreeOptions);
  /** @internal see {@link restore}. Takes the map over too. */
  constructor(suite: Suite, nodes: Map<number, Secret>, options: SecretTreeOptions);
  constructor(suite: Suite, from: Secret | Map<number, Secret>, options: SecretTreeOptions) {
    const { leafCount, ownLeafIndex } = options;
    const held = from instanceof Map ? from : new Map([[1, from]]);
    try {
      if (!Number.isInteger(leafCount) || leafCount < 1 || leafCount > maxLeafCount)
        throw usage("leafCount is no tree");
      if (ownLeafIndex !== undefined && !(ownLeafIndex < leafCount)) throw usage("ownLeafIndex is outside the tree");
      this.#retention = retentionFrom(options.retention);
    } catch (error) {
      for (const secret of held.values()) secret.dispose();
      throw error;
    }
    this.suite = suite;
    this.#source = { suite, use: (peeked) => this.#use(peeked), forget: (peeked) => this.#forget(peeked) };
    this.leafCount = leafCount;
    this.ownLeafIndex = ownLeafIndex;
    this.#ratchets = new Ratchets(suite, ownLeafIndex);
    this.#nodes = new NodeSecrets(suite, leafCount, held);
    this.#skipped = new SkippedKeys(this.#retention, options.now ?? Date.now);
  }

  /** From {@link entries}, say of storage. Takes the handles over, also when it throws. */
  static restore(suite: Suite, entries: Iterable<SecretTreeEntry>, options: SecretTreeOptions): SecretTree {
    const nodes = new Map<number, Secret>();
    const rest: SecretTreeEntry[] = [];
    for (const entry of entries) {
      if (entry.kind === "node") nodes.set(entry.node, entry.secret);
      else rest.push(entry);
    }
    rest.sort((a, b) => timeOf(a) - timeOf(b));
    let tree: SecretTree | undefined;
    try {
      tree = new SecretTree(suite, nodes, options);
      while (rest.length > 0) {
        tree.#adopt(rest[0]!);
        rest.shift();
      }
      return tree;
    } catch (error) {
      rest.forEach(disposeEntry);
      tree?.dispose();
      throw error;
    }
  }

  /**
   * Encrypts under the next key of the member's own ratchet, which then has moved past it.
   * @returns the generation of the key
   * @throws TinyMlsError `exhausted` at the end of the ratchet or of what is reserved.
   */
  seal(type: RatchetType, message: Sealing): number {
    const ratchet = this.#ownRatchet(type);
    const { generation, secret } = ratchet;
    if (generation >= (this.#own(type).end ?? maxGeneration + 1)) {
      throw new TinyMlsError("exhausted", `no ${type} generation is left`, { operation: "seal", component: "mls" });
    }
    sealWithRatchet(this.suite, secret, generation, message);
    if (!this.#ratchets.step(ratchet)) this.#touched?.ratchet(ratchet.leafIndex);
    return generation;
  }

  /**
   * For storage that must never give out a generation twice, not after a crash either: from now on {@link seal} takes `count` keys
   * and no more. {@link stored} shows the ratchet behind the last of them: store that before the first is used, so that what is
   * stored never derives the key of what was sent.
   * @returns the first generation that is not reserved.
   */
  reserve(type: RatchetType, count: number): number {
    const ratchet = this.#ownRatchet(type);
    const end = Math.min(ratchet.generation + count, maxGeneration + 1);
    const id = ratchetId(ratchet.leafIndex, type);
    for (let at = ratchet.generation; at < end; at++) {
      if (this.#ratchets.ahead.get(id, at + 1) !== undefined) continue;
      const secret = at === ratchet.generation ? ratchet.secret : this.#ratchets.ahead.get(id, at)!;
      this.#ratchets.ahead.set(id, at + 1, nextRatchetSecret(this.suite, secret, at));
    }
    this.#own(type).end = end;
    this.#touched?.ratchet(ratchet.leafIndex);
    return end;
  }

  /** From now on {@link seal} gives what is reserved, and nothing is. */
  endReservation(type: RatchetType): void {
    const own = this.#own(type);
    own.end = own.ratchet?.generation ?? 0;
    if (own.ratchet !== undefined) this.#touched?.ratchet(own.ratchet.leafIndex);
  }

  /** Generations that {@link seal} still gives. */
  reserved(type: RatchetType): number {
    const { ratchet, end = Infinity } = this.#own(type);
    return end - (ratchet?.generation ?? 0);
  }

  /** The first generation of the member's own that {@link seal} did not give yet, nor did whoever had this tree before. */
  sentBelow(type: RatchetType): number {
    return this.#own(type).ratchet?.generation ?? 0;
  }

  /** What changed since it was last cleared; at first all that there is. From the first call on, changes are noted. */
  touched(): TouchedKeys {
    if (this.#touched !== undefined) return this.#touched;
    this.#touched = new TouchedKeys();
    for (const ratchet of this.#ratchets.values()) {
      this.#touched.ratchet(ratchet.leafIndex);
      for (const generation of ratchet.skipped.keys()) this.#touched.skipped(ratchet, generation);
    }
    this.#skipped.touched = this.#touched;
    return this.#touched;
  }

  /** The secret of a node, lent; undefined where it is consumed or not derived yet. */
  node(node: number): Secret | undefined {
    return this.#nodes.get(node);
  }

  /** The nodes that are held. */
  nodes(): number[] {
    return [...this.#nodes.held()].map(([node]) => node);
  }

  /** A ratchet as it is to be stored, lent: the member's own behind what is reserved. */
  stored(leafIndex: number, type: RatchetType): Extract<SecretTreeEntry, { kind: "ratchet" }> | undefined {
    const ratchet = this.#ratchets.get(leafIndex, type);
    if (ratchet === undefined) return undefined;
    const { generation, droppedBelow, secret } = ratchet;
    const end = leafIndex === this.ownLeafIndex ? (this.#ratchets.own(type).end ?? generation) : generation;
    const ahead = this.#ratchets.ahead.get(ratchetId(leafIndex, type), end);
    const place = ahead === undefined ? { generation, secret } : { generation: end, secret: ahead };
    return { kind: "ratchet", leafIndex, type, droppedBelow, ...place };
  }

  /** The keys of a block that are kept, lent. */
  skippedIn({ leafIndex, type, block }: SkippedBlock): Extract<SecretTreeEntry, { kind: "skipped" }>[] {
    const ratchet = this.#ratchets.get(leafIndex, type);
    return Array.from({ length: skippedBlock }, (_, at) => block * skippedBlock + at).flatMap((generation) => {
      const kept = ratchet?.skipped.get(generation);
      if (kept === undefined) return [];
      const { retainedAt, key, nonce } = kept;
      return [{ kind: "skipped", leafIndex, type, generation, retainedAt, key, nonce } as const];
    });
  }

  /**
   * The key of a received message, to be committed or discarded; or why there is none. Keys of different messages may be peeked at
   * together, and committed in any order.
   */
  peek(leafIndex: number, type: RatchetType, generation: number): PeekedKey | KeyUnavailable {
    this.#requireOpen();
    if (leafIndex >= this.leafCount || generation > maxGeneration) throw usage("no such leaf or generation");
    this.#skipped.expire();
    const ratchet = this.#ratchets.get(leafIndex, type);
    if (ratchet !== undefined && generation < ratchet.generation) return this.#peekSkipped(ratchet, generation);
    const reached = ratchet?.generation ?? 0;
    if (generation - reached > this.#retention.maxForwardDistance) return "tooFarAhead";
    const nodesAhead: number[] = [];
    let firstAhead = generation + 1;
    const id = ratchetId(leafIndex, type);
    try {
      let at = generation;
      while (at > reached && this.#ratchets.ahead.get(id, at) === undefined) at--;
      let secret = at === reached && ratchet !== undefined ? ratchet.secret : this.#ratchets.ahead.get(id, at);
      if (secret === undefined) {
        firstAhead = 0;
        secret = this.#firstSecret(this.#nodes.lookAhead(leafIndex, nodesAhead), type);
        this.#ratchets.ahead.set(id, 0, secret);
      } else {
        firstAhead = at + 1;
      }
      for (; at < generation; at++) {
        secret = nextRatchetSecret(this.suite, secret, at);
        this.#ratchets.ahead.set(id, at + 1, secret);
      }
      const ahead = { nodes: nodesAhead, first: firstAhead };
      return new PeekedKey(this.#source, { leafIndex, type, generation }, secret, ahead);
    } catch (error) {
      this.#nodes.forget(nodesAhead);
      this.#ratchets.ahead.forget(id, firstAhead, generation + 1);
      throw error;
    }
  }

  /** Drops kept keys whose time is over; receiving does so too. */
  expire(): void {
    this.#skipped.expire();
  }

  /** Keys kept for late messages, and since when the oldest of them (milliseconds since 1970). */
  get retained(): { readonly keys: number; readonly oldest: number | undefined } {
    return { keys: this.#skipped.size, oldest: this.#skipped.oldest?.retainedAt };
  }

  /** All that the tree holds, lent: for storage, which seals each handle under a key of its own. */
  *entries(): IterableIterator<SecretTreeEntry> {
    for (const [node, secret] of this.#nodes.held()) yield { kind: "node", node, secret };
    for (const { leafIndex, type, generation, droppedBelow, secret, skipped } of this.#ratchets.values()) {
      yield { kind: "ratchet", leafIndex, type, generation, droppedBelow, secret };
      for (const { generation, retainedAt, key, nonce } of skipped.values()) {
        yield { kind: "skipped", leafIndex, type, generation, retainedAt, key, nonce };
      }
    }
  }

  dispose(): void {
    this.#disposed = true;
    this.#nodes.dispose();
    this.#ratchets.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #peekSkipped(ratchet: HashRatchet, generation: number): PeekedKey | KeyUnavailable {
    const skipped = ratchet.skipped.get(generation);
    if (skipped === undefined) return generation < ratchet.droppedBelow ? "dropped" : "duplicate";
    const { leafIndex, type } = ratchet;
    return new PeekedKey(this.#source, { leafIndex, type, generation }, skipped, { nodes: [], first: generation + 1 });
  }

  #use(peeked: PeekedKey): boolean {
    const { leafIndex, type, generation } = peeked;
    const ratchet = this.#ratchet(leafIndex, type);
    const isNew = generation >= ratchet.generation;
    if (isNew) {
      this.#advance(ratchet, generation);
      this.#touched?.ratchet(leafIndex);
    }
    this.#forget(peeked);
    if (isNew) return true;
    const skipped = ratchet.skipped.get(generation);
    if (skipped !== undefined) this.#skipped.use(skipped);
    return skipped !== undefined;
  }

  #forget({ leafIndex, type, generation, nodesAhead, firstAhead }: PeekedKey): void {
    if (nodesAhead.length > 0) this.#nodes.forget(nodesAhead);
    this.#ratchets.ahead.forget(ratchetId(leafIndex, type), firstAhead, generation + 1);
  }

  /** Moves the ratchet past `generation`, which is used, and keeps the keys of those between. */
  #advance(ratchet: HashRatchet, generation: number): void {
    if (ratchet.generation === generation) return void this.#ratchets.step(ratchet);
    const firstKept = Math.max(ratchet.generation, generation - this.#retention.maxSkippedKeys);
    const id = ratchetId(ratchet.leafIndex, ratchet.type);
    const passed: MessageKey[] = [];
    let secret = ratchet.secret;
    try {
      for (let at = ratchet.generation; at <= generation; at++) {
        if (at >= firstKept && at < generation) passed.push(messageKey(this.suite, secret, at));
        const next = this.#ratchets.ahead.take(id, at + 1) ?? nextRatchetSecret(this.suite, secret, at);
        if (secret !== ratchet.secret) secret.dispose();
        secret = next;
      }
    } catch (error) {
      if (secret !== ratchet.secret) secret.dispose();
      passed.forEach(disposeKey);
      throw error;
    }
    if (firstKept > ratchet.generation) ratchet.droppedBelow = firstKept;
    ratchet.moveTo(generation + 1, secret);
    for (const key of passed) this.#skipped.retain(ratchet, key);
  }

  /** The ratchet of a leaf, which consumes the leaf's node secret where neither ratchet is there yet. */
  #ratchet(leafIndex: number, type: RatchetType): HashRatchet {
    const found = this.#ratchets.get(leafIndex, type);
    if (found !== undefined) return found;
    this.#requireOpen();
    const leafSecret = this.#nodes.takeLeaf(leafIndex);
    this.#touched?.ratchet(leafIndex);
    try {
      for (const each of ["handshake", "application"] as const) {
        const secret = this.#ratchets.ahead.take(ratchetId(leafIndex, each), 0) ?? this.#firstSecret(leafSecret, each);
        this.#ratchets.add(new HashRatchet(leafIndex, each, secret));
      }
    } finally {
      leafSecret.dispose();
    }
    return this.#ratchets.get(leafIndex, type)!;
  }

  #firstSecret(leafSecret: Secret, type: RatchetType): Secret {
    return this.suite.expandWithLabel(leafSecret, type, empty, this.suite.Nh);
  }

  #requireOpen(): void {
    if (this.#disposed) throw new TinyMlsError("closed", "the epoch is erased", { component: "mls" });
  }

  #own(type: RatchetType): OwnRatchet {
    if (this.ownLeafIndex === undefined) throw usage("this secret tree has no leaf of its own");
    return this.#ratchets.own(type);
  }

  #ownRatchet(type: RatchetType): HashRatchet {
    return this.#own(type).ratchet ?? this.#ratchet(this.ownLeafIndex!, type);
  }

  #adopt(entry: SecretTreeEntry): void {
    if (entry.kind === "node" || entry.leafIndex >= this.leafCount) throw usage("not an entry of this tree");
    const { leafIndex, type, generation } = entry;
    const ratchet = this.#ratchets.get(leafIndex, type);
    if (entry.kind === "skipped") {
      if (ratchet === undefined || ratchet.skipped.has(generation)) throw usage("not an entry of this tree");
      this.#skipped.retain(ratchet, { generation, key: entry.key, nonce: entry.nonce }, entry.retainedAt);
      return;
    }
    if (ratchet !== undefined) throw usage("not an entry of this tree");
    const adopted = new HashRatchet(leafIndex, type, entry.secret, generation);
    adopted.droppedBelow = entry.droppedBelow;
    this.#ratchets.add(adopted);
  }
}

/** Ratchets before the keys that they passed over, and those in the order in which they were retained. */
function timeOf(entry: SecretTreeEntry): number {
  return entry.kind === "skipped" ? entry.retainedAt : -1;
}

function usage(message: string): TinyMlsError {
  return new TinyMlsError("usage", message, { operation: "SecretTree", component: "mls" });
}
