/** RFC 9420 §7.2: leaf nodes in words. */
import { LeafNodeSource, type Capabilities, type LeafNode } from "../../mls/objects/index.js";
import {
  cipherSuite,
  credentialType,
  extensionType,
  proposalType,
  protocolVersion,
} from "../../mls/objects/enumerations.js";
import { credentialText } from "./credential.js";
import { describeExtensions } from "./extensions.js";
import { count, date, octets, registeredAll, type Outline } from "./outline.js";

function describeCapabilities(out: Outline, capabilities: Capabilities): void {
  out.section("capabilities", (inner) => {
    inner.add("versions", registeredAll(protocolVersion, capabilities.versions));
    inner.add("cipher suites", registeredAll(cipherSuite, capabilities.cipherSuites));
    inner.add("extensions", registeredAll(extensionType, capabilities.extensions));
    inner.add("proposals", registeredAll(proposalType, capabilities.proposals));
    inner.add("credentials", registeredAll(credentialType, capabilities.credentials));
  });
}

function sourceText(leaf: LeafNode): string {
  switch (leaf.leafNodeSource) {
    case LeafNodeSource.keyPackage:
      return "key package";
    case LeafNodeSource.update:
      return "update";
    case LeafNodeSource.commit:
      return `commit, parent hash ${octets(leaf.parentHash)}`;
  }
}

export function describeLeafNode(out: Outline, leaf: LeafNode, heading = "leaf node"): void {
  out.section(heading, (inner) => {
    inner.add("credential", credentialText(leaf.credential));
    inner.add("signature key", octets(leaf.signatureKey));
    inner.add("encryption key", octets(leaf.encryptionKey));
    inner.add("source", sourceText(leaf));
    if (leaf.leafNodeSource === LeafNodeSource.keyPackage) {
      inner.add("lifetime", `${date(leaf.lifetime.notBefore)} to ${date(leaf.lifetime.notAfter)}`);
    }
    describeCapabilities(inner, leaf.capabilities);
    describeExtensions(inner, leaf.extensions);
    inner.add("signature", count(leaf.signature.byteLength, "octet"));
  });
}
