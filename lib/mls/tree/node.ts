// RFC 9420 §7.1, §7.2: nodes as the tree keeps them, encoded once. What is needed often is read from the encoding in place;
// a whole LeafNode takes ten times the memory of its encoding and is decoded on demand.
import { decode, encode } from "../../codec/index.js";
import { LeafNode, LeafNodeSource, ParentNode, TreeLeafNode } from "../objects/index.js";
import { keyHash, type KeyKind } from "./key-index.js";
import { supportOf, type SharedSupport, type Support } from "./support.js";

/** A node as storage keeps it: of a leaf with what the member supports. */
export interface StoredNode {
  readonly bytes: Uint8Array;
  readonly support?: Support;
}

/** A leaf of the ratchet tree. Immutable. */
export class TreeLeaf {
  readonly bytes: Uint8Array;
  /** What the member supports; alike leaves read together share one object. */
  readonly support: Support;
  #value: WeakRef<LeafNode> | undefined;

  /** `bytes` is the encoding of a LeafNode, known to be one, and `support` its support. */
  constructor(bytes: Uint8Array, support: Support) {
    this.bytes = bytes;
    this.support = support;
  }

  /** @throws TinyMlsError `malformed` */
  static read(bytes: Uint8Array): TreeLeaf {
    return new TreeLeaf(bytes, supportOf(decode(LeafNode, bytes)));
  }

  static of(value: LeafNode): TreeLeaf {
    return new TreeLeaf(kept(encode(LeafNode, value)), supportOf(value));
  }

  /** The same of a value that was made here: it has no octets of a message, which others may change. */
  static made(value: LeafNode): TreeLeaf {
    const leaf = TreeLeaf.of(value);
    leaf.#value = new WeakRef(value);
    return leaf;
  }

  get encryptionKey(): Uint8Array {
    return vectorAt(this.bytes, 0);
  }

  get signatureKey(): Uint8Array {
    return vectorAt(this.bytes, vectorEnd(this.bytes, 0));
  }

  get encryptionKeyHash(): number {
    return vectorHash("encryption", this.bytes, 0);
  }

  get signatureKeyHash(): number {
    return vectorHash("signature", this.bytes, vectorEnd(this.bytes, 0));
  }

  /** The decoded leaf, kept as long as someone uses it. */
  get value(): LeafNode {
    const kept = this.#value?.deref();
    if (kept !== undefined) return kept;
    const value = this.decode();
    this.#value = new WeakRef(value);
    return value;
  }

  /** The decoded leaf, not kept: for passes over a whole tree. */
  decode(): LeafNode {
    return decode(TreeLeafNode, this.bytes);
  }
}

/** A non-blank parent node of the ratchet tree. Immutable. */
export class TreeParent {
  readonly bytes: Uint8Array;

  /** `bytes` is the encoding of a ParentNode, known to be one. */
  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  static of(value: ParentNode): TreeParent {
    return new TreeParent(kept(encode(ParentNode, value)));
  }

  get encryptionKey(): Uint8Array {
    return vectorAt(this.bytes, 0);
  }

  get encryptionKeyHash(): number {
    return vectorHash("encryption", this.bytes, 0);
  }

  get parentHash(): Uint8Array {
    return vectorAt(this.bytes, vectorEnd(this.bytes, 0));
  }

  get unmergedLeaves(): readonly number[] {
    const { bytes } = this;
    const list = vectorAt(bytes, vectorEnd(bytes, vectorEnd(bytes, 0)));
    const leaves = new Array<number>(list.byteLength / 4);
    for (let i = 0; i < leaves.length; i++) {
      leaves[i] = list[4 * i]! * 2 ** 24 + ((list[4 * i + 1]! << 16) | (list[4 * i + 2]! << 8) | list[4 * i + 3]!);
    }
    return leaves;
  }

  get value(): ParentNode {
    return decode(ParentNode, this.bytes);
  }

  withUnmergedLeaves(unmergedLeaves: readonly number[]): TreeParent {
    return TreeParent.of({ encryptionKey: this.encryptionKey, parentHash: this.parentHash, unmergedLeaves });
  }
}

export type TreeNode = TreeLeaf | TreeParent;

/** The node of an encoding that is kept as it is. */
export function storedNode({ bytes, support }: StoredNode, shared: SharedSupport): TreeNode {
  return support === undefined ? new TreeParent(bytes) : new TreeLeaf(bytes, shared.of(support));
}

/** A copy of its own: small Buffers share memory with others, which would live as long as the node. */
function kept(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes);
}

/** The parent hash that a node carries; undefined for a leaf that no commit made. */
export function parentHashOf(node: TreeNode): Uint8Array | undefined {
  if (node instanceof TreeParent) return node.parentHash;
  const leaf = node.decode();
  return leaf.leafNodeSource === LeafNodeSource.commit ? leaf.parentHash : undefined;
}

// RFC 9420 §2.1.2, in an encoding that was checked when it was decoded.
function headerLength(bytes: Uint8Array, at: number): number {
  return 1 << (bytes[at]! >> 6);
}

function contentLength(bytes: Uint8Array, at: number): number {
  let length = bytes[at]! & 0x3f;
  for (let i = 1; i < headerLength(bytes, at); i++) length = length * 256 + bytes[at + i]!;
  return length;
}

function vectorEnd(bytes: Uint8Array, at: number): number {
  return at + headerLength(bytes, at) + contentLength(bytes, at);
}

function vectorAt(bytes: Uint8Array, at: number): Uint8Array {
  return bytes.subarray(at + headerLength(bytes, at), vectorEnd(bytes, at));
}

/** Of the vector as it stands there: making a view of it takes longer. */
function vectorHash(kind: KeyKind, bytes: Uint8Array, at: number): number {
  return keyHash(kind, bytes, at + headerLength(bytes, at), vectorEnd(bytes, at));
}

/** Public octets; nothing secret is compared with it. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
