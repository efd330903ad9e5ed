// The secret tree of an epoch at rest (RFC 9420 §9). A record is put anew when a key in it is used, so that no record holds what led to it.
import { decode, encode, struct, uint32, uint64, uint8, vector, type Infer } from "../../codec/index.js";
import { disposeSecrets, type Secret } from "../../native/secret.js";
import {
  disposeEntry,
  SecretTree,
  type RatchetType,
  type SecretTreeEntry,
  type SecretTreeOptions,
  type SkippedBlock,
} from "../schedule/index.js";
import type { Suite } from "../suite/index.js";
import type { RecordChanges } from "./record-changes.js";
import type { RecordSet } from "./record-set.js";
import type { RecordSnapshot } from "./record-snapshot.js";

// Nodes are numbered from the root: 1, the children of n are 2n and 2n+1. A page holds the ratchets of sixteen leaves and the nodes
// between them; the trunk holds the nodes above, those at the top of pages that were never used among them. In a tree of one page that is
// the encryption_secret alone, until it is used: it stands in the record of its epoch.
const pageLevels = 4;
const pageLeaves = 2 ** pageLevels;
const root = 1;

const types: readonly RatchetType[] = ["handshake", "application"];

const Ratchet = struct("Ratchet", { leafIndex: uint32, type: uint8, generation: uint64, droppedBelow: uint64 });
const Page = struct("Page", { nodes: vector(uint32), ratchets: vector(Ratchet) });
const Trunk = struct("Trunk", { nodes: vector(uint32) });
const Skipped = struct("Skipped", { generation: uint64, retainedAt: uint64 });
const Block = struct("Block", { leafIndex: uint32, type: uint8, keys: vector(Skipped) });

/** The encryption_secret, lent, where the record of the epoch has to hold it. */
export function encryptionSecretOf(tree: SecretTree): Secret | undefined {
  return hasTrunk(tree) ? undefined : tree.node(root);
}

/** Puts what changed of a secret tree since it was last put. Answers whether the record of the epoch holds a secret that is used now. */
export function saveSecretTree(changes: RecordChanges, records: RecordSet, prefix: string, tree: SecretTree): boolean {
  const touched = tree.touched();
  const trunk = hasTrunk(tree) ? `${prefix}trunk` : undefined;
  const isThere = (name: string): boolean => changes.leave(name, records.has(name));
  if (touched.isEmpty && (trunk === undefined || isThere(trunk))) return false;
  const pages = new Set(Array.from(touched.leaves, (leafIndex) => Math.floor(leafIndex / pageLeaves)));
  const isNodeUsed = [...pages].some((page) => !isThere(prefix + page.toString()));
  if (trunk !== undefined && (isNodeUsed || !isThere(trunk))) putTrunk(changes, trunk, tree);
  for (const page of pages) putPage(changes, prefix + page.toString(), tree, page);
  for (const block of touched.blocks) putBlock(changes, records, prefix, tree, block);
  touched.clear();
  return trunk === undefined && isNodeUsed;
}

function hasTrunk({ leafCount }: SecretTree): boolean {
  return leafCount > pageLeaves;
}

function putTrunk(changes: RecordChanges, name: string, tree: SecretTree): void {
  const end = 2 * topOf(tree, 0);
  const nodes = tree.nodes().filter((node) => node < end);
  changes.put(name, { bytes: encode(Trunk, { nodes }), secrets: nodes.map((node) => tree.node(node)!) });
}

function putPage(changes: RecordChanges, name: string, tree: SecretTree, page: number): void {
  const nodes = below(topOf(tree, page), levelsOf(tree)).filter((node) => tree.node(node) !== undefined);
  const ratchets = Array.from({ length: pageLeaves }, (_, at) => page * pageLeaves + at).flatMap((leafIndex) =>
    types.flatMap((type) => tree.stored(leafIndex, type) ?? []),
  );
  const bytes = encode(Page, { nodes, ratchets: ratchets.map(ratchetOf) });
  const secrets = [...nodes.map((node) => tree.node(node)!), ...ratchets.map(({ secret }) => secret)];
  changes.put(name, { bytes, secrets });
}

function ratchetOf(entry: Extract<SecretTreeEntry, { kind: "ratchet" }>): Infer<typeof Ratchet> {
  const { leafIndex, type, generation, droppedBelow } = entry;
  return {
    leafIndex,
    type: types.indexOf(type),
    generation: BigInt(generation),
    droppedBelow: BigInt(droppedBelow),
  };
}

function putBlock(
  changes: RecordChanges,
  records: RecordSet,
  prefix: string,
  tree: SecretTree,
  block: SkippedBlock,
): void {
  const { leafIndex, type } = block;
  const name = `${prefix}skipped/${leafIndex}.${types.indexOf(type)}.${block.block}`;
  const kept = tree.skippedIn(block);
  if (kept.length === 0) {
    if (records.has(name)) changes.delete(name);
    return;
  }
  const keys = kept.map(({ generation, retainedAt }) => {
    return { generation: BigInt(generation), retainedAt: BigInt(Math.trunc(retainedAt)) };
  });
  const secrets = kept.flatMap(({ key, nonce }) => [key, nonce]);
  changes.put(name, { bytes: encode(Block, { leafIndex, type: types.indexOf(type), keys }), secrets });
}

/**
 * The secret tree that was put under a prefix: of its own generations none is reserved.
 * @param encryptionSecret what the record of the epoch holds of it; taken over, also when this throws
 */
export function loadSecretTree(
  records: RecordSnapshot,
  prefix: string,
  suite: Suite,
  encryptionSecret: Secret | undefined,
  options: SecretTreeOptions,
): SecretTree {
  const entries: SecretTreeEntry[] = encryptionSecret ? nodesOf([root], [encryptionSecret]) : [];
  try {
    for (const name of records.names(prefix)) entries.push(...entriesOf(records, prefix, name));
  } catch (error) {
    entries.forEach(disposeEntry);
    throw error;
  }
  const tree = SecretTree.restore(suite, entries, options);
  tree.endReservation("application");
  tree.touched().clear();
  return tree;
}

function entriesOf(records: RecordSnapshot, prefix: string, name: string): SecretTreeEntry[] {
  const { bytes, secrets } = records.read(name);
  try {
    const kind = name.slice(prefix.length);
    if (kind === "trunk") return nodesOf(decode(Trunk, bytes).nodes, secrets);
    if (kind.startsWith("skipped/")) return skippedOf(bytes, secrets);
    const { nodes, ratchets } = decode(Page, bytes);
    return [
      ...nodesOf(nodes, secrets),
      ...ratchets.map((ratchet, at) => storedRatchet(ratchet, secrets[nodes.length + at]!)),
    ];
  } catch (error) {
    disposeSecrets(secrets);
    throw error;
  }
}

function nodesOf(nodes: readonly number[], secrets: readonly Secret[]): SecretTreeEntry[] {
  return nodes.map((node, at) => ({ kind: "node", node, secret: secrets[at]! }));
}

function storedRatchet(ratchet: Infer<typeof Ratchet>, secret: Secret): SecretTreeEntry {
  const { leafIndex, type, generation, droppedBelow } = ratchet;
  return {
    kind: "ratchet",
    leafIndex,
    type: types[type]!,
    generation: Number(generation),
    droppedBelow: Number(droppedBelow),
    secret,
  };
}

function skippedOf(bytes: Buffer, secrets: readonly Secret[]): SecretTreeEntry[] {
  const { leafIndex, type, keys } = decode(Block, bytes);
  return keys.map(({ generation, retainedAt }, at) => ({
    kind: "skipped",
    leafIndex,
    type: types[type]!,
    generation: Number(generation),
    retainedAt: Number(retainedAt),
    key: secrets[2 * at]!,
    nonce: secrets[2 * at + 1]!,
  }));
}

/** Levels of a page: fewer in a tree of fewer leaves. */
function levelsOf({ leafCount }: SecretTree): number {
  return Math.min(pageLevels, Math.ceil(Math.log2(leafCount)));
}

/** The node at the top of a page. */
function topOf(tree: SecretTree, page: number): number {
  return 2 ** (Math.ceil(Math.log2(tree.leafCount)) - levelsOf(tree)) + page;
}

function below(top: number, levels: number): number[] {
  const nodes: number[] = [];
  for (let level = 1; level <= levels; level++) {
    for (let at = 0; at < 2 ** level; at++) nodes.push(top * 2 ** level + at);
  }
  return nodes;
}
