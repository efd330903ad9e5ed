import { createHash } from "node:crypto";

/** A node of the model: the encoding of a leaf, or the fields of a parent. */
export interface ModelParent {
  key: Buffer;
  parentHash: Buffer;
  unmerged: number[];
}
type Subtree = { leaf: Buffer | null } | { parent: ModelParent | null; left: Subtree; right: Subtree };

/**
 * The ratchet tree as RFC 9420 §4 and §7 tell it, with linked nodes and plain recursion: slow, without indices, caches and
 * sharing. Leaves are opaque octets.
 */
export class ModelTree {
  root: Subtree = { leaf: null };

  static clone(tree: ModelTree): ModelTree {
    const copy = new ModelTree();
    copy.root = structuredClone(tree.root);
    return copy;
  }

  get leaves(): { leaf: Buffer | null }[] {
    return leavesOf(this.root);
  }

  get members(): number[] {
    return this.leaves.flatMap(({ leaf }, index) => (leaf === null ? [] : [index]));
  }

  add(leaf: Buffer): number {
    let index = this.leaves.findIndex((place) => place.leaf === null);
    if (index === -1) {
      index = this.leaves.length;
      this.root = { parent: null, left: this.root, right: blank(depthOf(this.root)) };
    }
    for (const node of this.path(index)) node.parent?.unmerged.push(index);
    for (const node of this.path(index)) node.parent?.unmerged.sort((a, b) => a - b);
    this.leaves[index]!.leaf = leaf;
    return index;
  }

  update(index: number, leaf: Buffer): void {
    for (const node of this.path(index)) node.parent = null;
    this.leaves[index]!.leaf = leaf;
  }

  remove(index: number): void {
    for (const node of this.path(index)) node.parent = null;
    this.leaves[index]!.leaf = null;
    while ("left" in this.root && leavesOf(this.root.right).every(({ leaf }) => leaf === null))
      this.root = this.root.left;
  }

  /** Sets a leaf and, through `make`, every node of the filtered direct path, from the leaf to the root. */
  setPath(index: number, leaf: Buffer, make: (step: number) => ModelParent): void {
    this.update(index, leaf);
    let step = 0;
    for (const node of this.path(index)) {
      const beside = leavesOf(node.left).includes(this.leaves[index]!) ? node.right : node.left;
      if (resolution(beside).length > 0) node.parent = make(step++);
    }
  }

  /** From the leaf to the root. */
  path(index: number): Exclude<Subtree, { leaf: unknown }>[] {
    const place = this.leaves[index]!;
    const path: Exclude<Subtree, { leaf: unknown }>[] = [];
    let node = this.root;
    while ("left" in node) {
      path.unshift(node);
      node = leavesOf(node.left).includes(place) ? node.left : node.right;
    }
    return path;
  }

  /** All subtrees in the order of the array representation. */
  inOrder(): Subtree[] {
    const list = (node: Subtree): Subtree[] =>
      "left" in node ? [...list(node.left), node, ...list(node.right)] : [node];
    return list(this.root);
  }

  /** As node indices. */
  resolution(node: Subtree): number[] {
    const order = this.inOrder();
    const leaves = this.leaves;
    return resolution(node).map((found) => order.indexOf(typeof found === "number" ? leaves[found]! : found));
  }

  hash(node: Subtree = this.root): Buffer {
    const firstLeaf = this.leaves.indexOf(leavesOf(node)[0]!);
    return hashOf(node, firstLeaf);
  }

  encode(): Buffer {
    const order = this.inOrder();
    while (isBlank(order.at(-1)!)) order.pop();
    const body = Buffer.concat(order.map(encodeOptional));
    return Buffer.concat([vectorLength(body.length), body]);
  }
}

function leavesOf(node: Subtree): { leaf: Buffer | null }[] {
  return "left" in node ? [...leavesOf(node.left), ...leavesOf(node.right)] : [node];
}

function depthOf(node: Subtree): number {
  return "left" in node ? 1 + depthOf(node.left) : 0;
}

function blank(depth: number): Subtree {
  return depth === 0 ? { leaf: null } : { parent: null, left: blank(depth - 1), right: blank(depth - 1) };
}

function isBlank(node: Subtree): boolean {
  return "left" in node ? node.parent === null : node.leaf === null;
}

/** Subtrees, or leaf indices for unmerged leaves. */
function resolution(node: Subtree): (Subtree | number)[] {
  if (!("left" in node)) return node.leaf === null ? [] : [node];
  if (node.parent !== null) return [node, ...node.parent.unmerged];
  return [...resolution(node.left), ...resolution(node.right)];
}

function hashOf(node: Subtree, firstLeaf: number): Buffer {
  const hash = createHash("sha256");
  if (!("left" in node)) {
    const index = Buffer.alloc(4);
    index.writeUInt32BE(firstLeaf);
    return hash.update(Buffer.concat([Buffer.of(1), index, optional(node.leaf)])).digest();
  }
  const right = hashOf(node.right, firstLeaf + leavesOf(node.left).length);
  const children = [vector(hashOf(node.left, firstLeaf)), vector(right)];
  return hash
    .update(Buffer.concat([Buffer.of(2), optional(node.parent && encodeParent(node.parent)), ...children]))
    .digest();
}

function encodeOptional(node: Subtree): Buffer {
  if (isBlank(node)) return Buffer.of(0);
  return Buffer.concat("left" in node ? [Buffer.of(1, 2), encodeParent(node.parent!)] : [Buffer.of(1, 1), node.leaf!]);
}

export function encodeParent({ key, parentHash, unmerged }: ModelParent): Buffer {
  const list = Buffer.alloc(4 * unmerged.length);
  unmerged.forEach((leaf, i) => list.writeUInt32BE(leaf, 4 * i));
  return Buffer.concat([vector(key), vector(parentHash), vector(list)]);
}

function optional(value: Buffer | null): Buffer {
  return value === null ? Buffer.of(0) : Buffer.concat([Buffer.of(1), value]);
}

function vector(content: Buffer): Buffer {
  return Buffer.concat([vectorLength(content.length), content]);
}

function vectorLength(length: number): Buffer {
  if (length < 0x40) return Buffer.of(length);
  if (length < 0x4000) return Buffer.of(0x40 | (length >> 8), length & 0xff);
  return Buffer.of(0x80 | (length >> 24), (length >> 16) & 0xff, (length >> 8) & 0xff, length & 0xff);
}
