import { decode } from "../codec/index.js";
import { ExtensionType, GroupInfo, MLSMessage, RatchetTree, WireFormat } from "../mls/objects/index.js";
import { renderTree } from "../observability/tree-drawing/index.js";

/** The octets of a message that may be written as hexadecimal digits, base64 or base64url, also in lines. */
export function octetsOf(input: Buffer): Buffer {
  // Text of these alphabets alone is no MLS message in binary: that starts with version or length octets below 0x09, or a long tree.
  if (input.byteLength < 4 || !isText(input)) return input;
  const text = input.toString("latin1").replace(/\s+/g, "");
  const hex = text.replace(/^0x/i, "");
  if (hex.length % 2 === 0 && /^[0-9a-f]+$/i.test(hex)) return Buffer.from(hex, "hex");
  if (/^[A-Za-z0-9+/_-]+={0,2}$/.test(text)) return Buffer.from(text, "base64");
  return input;
}

function isText(input: Buffer): boolean {
  return input.every((octet) => (octet >= 0x20 && octet < 0x7f) || (octet >= 0x09 && octet <= 0x0d));
}

/** The ratchet tree of a GroupInfo (RFC 9420 §12.4.3.3), or one that stands alone, as SVG. */
export function treeIn(octets: Uint8Array): string | undefined {
  const nodes = ratchetTree(octets);
  return nodes === undefined ? undefined : renderTree(nodes);
}

function ratchetTree(octets: Uint8Array): RatchetTree | undefined {
  const info = attempt(() => groupInfo(octets));
  if (info === undefined) return attempt(() => decode(RatchetTree, octets));
  const extension = info.extensions.find(({ extensionType }) => extensionType === ExtensionType.ratchetTree);
  return extension && attempt(() => decode(RatchetTree, extension.extensionData));
}

function groupInfo(octets: Uint8Array): GroupInfo | undefined {
  const message = attempt(() => decode(MLSMessage, octets));
  if (message === undefined) return decode(GroupInfo, octets);
  return message.wireFormat === WireFormat.mlsGroupInfo ? message.groupInfo : undefined;
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
