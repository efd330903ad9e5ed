// Nodes of a ratchet tree at rest. What leaves say of their members' support stands once for all that are alike, so that none is
// decoded to load a tree.
import { decode, encode, struct, uint16, vector } from "../../codec/index.js";
import { shelfLength, type StoredNode, type Support } from "../tree/index.js";

const Supports = vector(
  struct("StoredSupport", {
    credentialsInUse: vector(uint16),
    credentials: vector(uint16),
    extensions: vector(uint16),
    proposals: vector(uint16),
  }),
);

/** By node index, null for blank ones. */
export type StoredNodes = Map<number, StoredNode | null>;

/**
 * Depth (1 octet), the length of the list of supports (4) and that; then of each node its index (4), the length of its encoding (4, 0 for
 * a blank one), that, and of a leaf the number of its support in the list (4).
 */
export function encodeNodes(depth: number, nodes: Iterable<readonly [number, StoredNode | null]>): Buffer {
  const all = [...nodes];
  const list = new SupportList();
  const numbers = all.map(([, node]) => node?.support && list.numberOf(node.support));
  const supports = encode(Supports, list.supports);
  const size = (node: StoredNode | null): number =>
    node === null ? 8 : 8 + node.bytes.byteLength + (node.support ? 4 : 0);
  const out = Buffer.allocUnsafe(all.reduce((sum, [, node]) => sum + size(node), 5 + supports.byteLength));
  out.writeUInt8(depth, 0);
  out.writeUInt32BE(supports.byteLength, 1);
  out.set(supports, 5);
  let at = 5 + supports.byteLength;
  for (const [i, [index, node]] of all.entries()) {
    at = out.writeUInt32BE(index, at);
    at = out.writeUInt32BE(node?.bytes.byteLength ?? 0, at);
    if (node === null) continue;
    out.set(node.bytes, at);
    at += node.bytes.byteLength;
    const number = numbers[i];
    if (number !== undefined) at = out.writeUInt32BE(number, at);
  }
  return out;
}

/** Puts what was encoded into `nodes`. The nodes keep the octets of few as they are, those of many in copies of some dozens. */
export function decodeNodes(octets: Uint8Array, nodes: StoredNodes): void {
  // Where nodes that end before `end` keep their octets. To ask an array for its memory takes as long as to make a view.
  let memory = octets.buffer;
  const encoded = Buffer.from(memory, octets.byteOffset, octets.byteLength);
  const start = 5 + encoded.readUInt32BE(1);
  const supports = decode(Supports, encoded.subarray(5, start));
  let offset = encoded.byteOffset;
  let end = encoded.byteLength <= shelfLength ? encoded.byteLength : 0;
  for (let at = start; at < encoded.byteLength;) {
    const index = encoded.readUInt32BE(at);
    const length = encoded.readUInt32BE(at + 4);
    at += 8;
    if (length === 0) {
      nodes.set(index, null);
      continue;
    }
    if (at + length > end) {
      const window = new Uint8Array(encoded.subarray(at, at + Math.max(length, shelfLength)));
      memory = window.buffer;
      offset = -at;
      end = at + window.byteLength;
    }
    const bytes = new Uint8Array(memory, offset + at, length);
    at += length;
    if (index % 2 === 1) {
      nodes.set(index, { bytes });
    } else {
      nodes.set(index, { bytes, support: supports[encoded.readUInt32BE(at)]! });
      at += 4;
    }
  }
}

/** The depth of the tree whose nodes were encoded. */
export function depthOf(encoded: Uint8Array): number {
  return encoded[0]!;
}

/** Numbers what leaves support, once for all that are alike. */
class SupportList {
  readonly supports: Support[] = [];
  readonly #known = new Map<Support | string, number>();

  numberOf(support: Support): number {
    const { credentialsInUse, credentials, extensions, proposals } = support;
    const known = this.#known.get(support);
    if (known !== undefined) return known;
    const text = [credentialsInUse, credentials, extensions, proposals].map(String).join(";");
    let number = this.#known.get(text);
    if (number === undefined) {
      number = this.supports.push(support) - 1;
      this.#known.set(text, number);
    }
    this.#known.set(support, number);
    return number;
  }
}
