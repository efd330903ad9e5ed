// RFC 9420 §7.8: many TreeHashInputs, one after the other. Laid out here by hand and not through the struct, because a join writes
// tens of thousands: nodes are encoded already, and what is around them has fixed places.
import { lengthHeader } from "../../codec/index.js";
import { NodeType } from "../objects/index.js";
import type { TreeNode } from "./node.js";

const initialSize = 16 * 1024;
const largestKept = 256 * 1024;
/** Type, index, presence, and the headers of two hashes. */
const mostAround = 16;
/** A level of a block. */
const mostInputs = 32;

export class TreeHashInputs {
  #bytes = new Uint8Array(initialSize);
  #used = 0;
  #hashHeader = lengthHeader(0);
  #hashLength = 0;
  readonly #lengths = new Uint32Array(mostInputs);
  #count = 0;

  get joined(): Uint8Array {
    return this.#bytes.subarray(0, this.#used);
  }

  get lengths(): Uint32Array {
    return this.#lengths.subarray(0, this.#count);
  }

  clear(): void {
    if (this.#bytes.byteLength > largestKept) this.#bytes = new Uint8Array(initialSize);
    this.#used = 0;
    this.#count = 0;
  }

  addLeaf(leafIndex: number, leaf: TreeNode | null): void {
    const start = this.#reserve(leaf, 0);
    this.#bytes[this.#used++] = NodeType.leaf;
    for (let shift = 24; shift >= 0; shift -= 8) this.#bytes[this.#used++] = leafIndex >>> shift;
    this.#optional(leaf);
    this.#lengths[this.#count++] = this.#used - start;
  }

  /** The hashes are of `Nh` octets and stand at `leftAt` and `rightAt` of an array each. */
  addParent(
    parent: TreeNode | null,
    Nh: number,
    left: Uint8Array,
    leftAt: number,
    right: Uint8Array,
    rightAt: number,
  ): void {
    const start = this.#reserve(parent, 2 * Nh);
    this.#bytes[this.#used++] = NodeType.parent;
    this.#optional(parent);
    this.#appendHash(Nh, left, leftAt);
    this.#appendHash(Nh, right, rightAt);
    this.#lengths[this.#count++] = this.#used - start;
  }

  #optional(node: TreeNode | null): void {
    this.#bytes[this.#used++] = node === null ? 0 : 1;
    if (node !== null) this.#append(node.bytes);
  }

  #appendHash(Nh: number, hashes: Uint8Array, at: number): void {
    if (Nh !== this.#hashLength) {
      this.#hashLength = Nh;
      this.#hashHeader = lengthHeader(Nh);
    }
    this.#append(this.#hashHeader);
    copyHash(Nh, hashes, at, this.#bytes, this.#used);
    this.#used += Nh;
  }

  #append(octets: Uint8Array): void {
    this.#bytes.set(octets, this.#used);
    this.#used += octets.byteLength;
  }

  #reserve(node: TreeNode | null, hashes: number): number {
    const end = this.#used + (node?.bytes.byteLength ?? 0) + hashes + mostAround;
    if (end > this.#bytes.byteLength) {
      const larger = new Uint8Array(2 * end);
      larger.set(this.joined);
      this.#bytes = larger;
    }
    return this.#used;
  }
}

/** One by one, which takes less time than to make a view of so few octets. */
export function copyHash(Nh: number, from: Uint8Array, fromAt: number, to: Uint8Array, toAt: number): void {
  for (let i = 0; i < Nh; i++) to[toAt + i] = from[fromAt + i]!;
}
