/** RFC 9420 §10. */
import { encode, vectorSize } from "../../codec/index.js";
import type { PrivateKey } from "../../native/keys.js";
import {
  KeyPackage,
  KeyPackageTBS,
  LeafNodeSource,
  ProtocolVersion,
  type Capabilities,
  type Credential,
  type Extension,
  type GroupContext,
  type Lifetime,
} from "../objects/index.js";
import { refuse } from "../rules.js";
import type { Suite } from "../suite/index.js";
import {
  checkEncryptionKey,
  checkLeaf,
  checkLeafNodeSource,
  leafRequirements,
  leafSignature,
  signLeaf,
  TreeLeaf,
  type LifetimePolicy,
} from "../tree/index.js";
import { greaseExtension, lastResortExtensionType } from "./capabilities.js";
import type { Checks } from "./checks.js";

type Bytes = Uint8Array;

const label = "KeyPackageTBS";

/** What a leaf says of its holder. */
export interface LeafIdentity {
  readonly credential: Credential;
  /** Lent. */
  readonly signatureKey: PrivateKey;
  readonly capabilities: Capabilities;
  readonly extensions: readonly Extension[];
}

/** A key package with its private keys. Owns them. */
export class OwnKeyPackage {
  readonly bytes: Buffer;
  readonly value: KeyPackage;
  /** KeyPackageRef, RFC 9420 §5.2. */
  readonly ref: Buffer;
  readonly initKey: PrivateKey;
  readonly leafKey: PrivateKey;

  constructor(suite: Suite, bytes: Buffer, value: KeyPackage, initKey: PrivateKey, leafKey: PrivateKey) {
    this.bytes = bytes;
    this.value = value;
    this.ref = suite.keyPackageRef(bytes);
    this.initKey = initKey;
    this.leafKey = leafKey;
  }

  get isLastResort(): boolean {
    return isLastResort(this.value);
  }

  dispose(): void {
    this.initKey.dispose();
    this.leafKey.dispose();
  }
}

export function isLastResort({ extensions }: KeyPackage): boolean {
  return extensions.some(({ extensionType }) => extensionType === lastResortExtensionType);
}

export interface KeyPackageOptions {
  readonly lifetime: Lifetime;
  readonly lastResort: boolean;
}

/** RFC 9420 §10: a fresh key package, with a GREASE extension. */
export function createKeyPackage(suite: Suite, identity: LeafIdentity, options: KeyPackageOptions): OwnKeyPackage {
  const initKey = suite.generateHpkeKeyPair();
  const leafKey = suite.generateHpkeKeyPair();
  try {
    const leafNode = signLeaf(suite, identity.signatureKey, {
      encryptionKey: leafKey.publicKey,
      signatureKey: identity.signatureKey.publicKey,
      credential: identity.credential,
      capabilities: identity.capabilities,
      leafNodeSource: LeafNodeSource.keyPackage,
      lifetime: options.lifetime,
      extensions: identity.extensions,
    }).value;
    const lastResort = { extensionType: lastResortExtensionType, extensionData: Buffer.alloc(0) };
    const tbs = {
      version: ProtocolVersion.mls10,
      cipherSuite: suite.id,
      initKey: initKey.publicKey,
      leafNode,
      extensions: [greaseExtension(identity.capabilities), ...(options.lastResort ? [lastResort] : [])],
    };
    const signature = suite.signWithLabel(identity.signatureKey, label, encode(KeyPackageTBS, tbs));
    const value = { ...tbs, signature };
    return new OwnKeyPackage(suite, encode(KeyPackage, value), value, initKey, leafKey);
  } catch (error) {
    initKey.dispose();
    leafKey.dispose();
    throw error;
  }
}

/**
 * RFC 9420 §10.1, but for the credential. Signatures are left to `checks`.
 * @throws TinyMlsError `invalid` with the rule
 */
export function checkKeyPackage(
  suite: Suite,
  keyPackage: KeyPackage,
  context: Pick<GroupContext, "cipherSuite" | "extensions">,
  lifetime: LifetimePolicy,
  checks: Checks,
): void {
  // Of another version or suite nothing else can be judged, so these come first.
  if (keyPackage.version !== ProtocolVersion.mls10) refuse("10.1/version", `version ${keyPackage.version}`);
  if (keyPackage.cipherSuite !== context.cipherSuite) refuse("10.1/cipher-suite", `suite ${keyPackage.cipherSuite}`);
  const { leafNode, initKey, extensions } = keyPackage;
  checkLeafNodeSource(leafNode, LeafNodeSource.keyPackage);
  checkLeaf(suite, leafNode, leafRequirements(context, lifetime));
  checkEncryptionKey(suite, initKey);
  if (Buffer.compare(initKey, leafNode.encryptionKey) === 0) refuse("10.1/init-key");
  checkExtensions(extensions, leafNode.capabilities);
  if (!verified.has(keyPackage)) checkSignatures(keyPackage, checks);
}

// So that a commit that adds what was judged before does not verify it once more.
const verified = new WeakSet<KeyPackage>();

/** Both signatures were verified. The octets of the key package are no one else's, so that they stay what they were. */
export function keepVerified(keyPackage: KeyPackage): void {
  verified.add(keyPackage);
}

function checkSignatures(keyPackage: KeyPackage, checks: Checks): void {
  const { leafNode } = keyPackage;
  checks.signature(leafSignature(TreeLeaf.of(leafNode), leafNode, noGroup, 0), "7.3/leaf-signature", "key package");
  const { signature } = keyPackage;
  const bytes = encode(KeyPackage, keyPackage);
  const content = bytes.subarray(0, bytes.byteLength - vectorSize(signature.byteLength));
  checks.signature({ publicKey: leafNode.signatureKey, label, content, signature }, "10.1/signature");
}

// The signature of a leaf in a key package does not cover a place.
const noGroup: Bytes = new Uint8Array(0);

function checkExtensions(extensions: readonly Extension[], capabilities: Capabilities): void {
  const types = extensions.map(({ extensionType }) => extensionType);
  if (new Set(types).size !== types.length) refuse("13.4/extensions-unique", "key package");
  const unlisted = types.find((type) => !capabilities.extensions.includes(type));
  if (unlisted !== undefined) refuse("10/extensions-listed", `type ${unlisted}`);
}
