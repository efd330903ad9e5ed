/** RFC 9420 §8.1, §10, §12.4.3: the objects that travel by themselves or inside messages, in words. */
import type { GroupContext, GroupInfo, KeyPackage } from "../../mls/objects/index.js";
import { cipherSuite, protocolVersion } from "../../mls/objects/enumerations.js";
import { describeExtensions } from "./extensions.js";
import { describeLeafNode } from "./leaf.js";
import { count, octets, registered, textOrOctets, type Outline } from "./outline.js";

export function describeKeyPackage(out: Outline, keyPackage: KeyPackage): void {
  out.add("version", registered(protocolVersion, keyPackage.version));
  out.add("cipher suite", registered(cipherSuite, keyPackage.cipherSuite));
  out.add("init key", octets(keyPackage.initKey));
  describeLeafNode(out, keyPackage.leafNode);
  describeExtensions(out, keyPackage.extensions);
  out.add("signature", count(keyPackage.signature.byteLength, "octet"));
}

function describeGroupContext(out: Outline, context: GroupContext): void {
  out.add("version", registered(protocolVersion, context.version));
  out.add("cipher suite", registered(cipherSuite, context.cipherSuite));
  out.add("group id", textOrOctets(context.groupId));
  out.add("epoch", context.epoch.toString());
  out.add("tree hash", octets(context.treeHash));
  out.add("confirmed transcript hash", octets(context.confirmedTranscriptHash));
  describeExtensions(out, context.extensions);
}

export function describeGroupInfo(out: Outline, info: GroupInfo): void {
  out.section("group context", (inner) => describeGroupContext(inner, info.groupContext));
  describeExtensions(out, info.extensions);
  out.add("signer", `leaf ${info.signer}`);
  out.add("confirmation tag", octets(info.confirmationTag));
  out.add("signature", count(info.signature.byteLength, "octet"));
}
