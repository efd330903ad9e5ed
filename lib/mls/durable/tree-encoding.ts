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

/**
 * Puts what was encoded into `nodes`, and answers the depth. The octets are copied some dozens of nodes at once; those of few nodes that
 * have memory of their own are kept as they are.
 */
export function decodeNodes(encoded: Buffer, nodes: StoredNodes): number {
  const start = 5 + encoded.readUInt32BE(1);
  const supports = decode(Supports, encoded.subarray(5, start));
  const isKept = encoded.byteLength === encoded.buffer.byteLength && encoded.byteLength <= shelfLength;
  let window: Uint8Array = isKept ? new Uint8Array(encoded.buffer) : new Uint8Array(0);
  let windowAt = 0;
  for (let at = start; at < encoded.byteLength;) {
    const index = encoded.readUInt32BE(at);
    const length = encoded.readUInt32BE(at + 4);
    at += 8;
    if (length === 0) {
      nodes.set(index, null);
      continue;
    }
    if (at + length > windowAt + window.byteLength) {
      window = new Uint8Array(encoded.subarray(at, at + Math.max(length, shelfLength)));
      windowAt = at;
    }
    const bytes = new Uint8Array(window.buffer, at - windowAt, length);
    at += length;
    if (index % 2 === 1) {
      nodes.set(index, { bytes });
    } else {
      nodes.set(index, { bytes, support: supports[encoded.readUInt32BE(at)]! });
      at += 4;
    }
  }
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
