import { TreeLeaf } from "./node.js";
import { SharedSupport, type Support } from "./support.js";

/** Octets of some dozens of nodes, in one buffer: with all in one, the last old node would keep the octets of all. */
export const shelfLength = 16 * 1024;

/** Where the nodes of a tree that is read go: their encodings in a few buffers, what leaves have in common once. */
export class NodeShelf {
  #buffer = new Uint8Array(0);
  #used = 0;
  readonly #support = new SharedSupport();

  /** A copy of an encoding; `left` octets of encodings, with these, are still to come at most. */
  copy(bytes: Uint8Array, left: number): Uint8Array {
    const length = bytes.byteLength;
    if (this.#used + length > this.#buffer.byteLength) {
      this.#buffer = new Uint8Array(Math.max(length, Math.min(left, shelfLength)));
      this.#used = 0;
    }
    const copy = this.#buffer.subarray(this.#used, (this.#used += length));
    copy.set(bytes);
    return copy;
  }

  /** The leaf of an encoding that says that its member supports this. */
  leaf(bytes: Uint8Array, support: Support): TreeLeaf {
    return new TreeLeaf(bytes, this.#support.of(support));
  }
}
