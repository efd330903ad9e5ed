import type { KeyPackage, LeafNode } from "tinymls/messages";
import type { PrivateKey } from "tinymls/crypto";
import { capabilitiesOf } from "#dist/mls/group/capabilities.js";
import { createKeyPackage, type LeafIdentity, type OwnKeyPackage } from "#dist/mls/group/key-package.js";
import { encode, MLSMessage, WireFormat } from "tinymls/messages";
import type { Suite } from "#dist/mls/suite/index.js";
import { signAnyKeyPackage, signAnyLeaf } from "./sign.js";

/** Types of an application that all clients of a test support. */
export const supported = { extensions: [0xf0e0, 0xf0e1], proposals: [0xf001] };

const hour = 3600;

/** A client whose every key is in the hands of the test. */
export class Puppet {
  readonly suite: Suite;
  readonly identity: LeafIdentity;
  readonly own: OwnKeyPackage;

  constructor(suite: Suite, name: string, lastResort = false) {
    this.suite = suite;
    this.identity = {
      credential: { credentialType: 1, identity: Buffer.from(name) },
      signatureKey: suite.generateSignatureKeyPair(),
      capabilities: capabilitiesOf(supported, 1),
      extensions: [],
    };
    const now = BigInt(Math.floor(Date.now() / 1000));
    const lifetime = { notBefore: now - BigInt(hour), notAfter: now + BigInt(24 * hour) };
    this.own = createKeyPackage(suite, this.identity, { lifetime, lastResort });
  }

  get signatureKey(): PrivateKey {
    return this.identity.signatureKey;
  }

  /** As an MLSMessage. */
  get message(): Buffer {
    const keyPackage = this.own.value;
    return encode(MLSMessage, { version: 1, wireFormat: WireFormat.mlsKeyPackage, keyPackage });
  }

  /** The fields of its leaf in an update path, but for those that the path brings. */
  get leaf(): object {
    const { signatureKey, ...identity } = this.identity;
    return { ...identity, signatureKey: signatureKey.publicKey };
  }

  /** Its key package with changes, signed by itself unless told otherwise. */
  keyPackage(
    change: (fields: KeyPackage) => object = (fields) => fields,
    leaf: (leaf: LeafNode) => object = (fields) => fields,
    signer = this.signatureKey,
    leafSigner = signer,
  ): KeyPackage {
    const place = { groupId: Buffer.alloc(0), leafIndex: 0 };
    const leafNode = signAnyLeaf(this.suite, leaf(this.own.value.leafNode), leafSigner, place);
    return signAnyKeyPackage(this.suite, change({ ...this.own.value, leafNode }), signer);
  }

  dispose(): void {
    this.own.dispose();
    this.identity.signatureKey.dispose();
  }
}
