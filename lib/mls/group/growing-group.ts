/** RFC 9420 §12.2, §7.3: a group as it grows by the members that a commit adds. */
import type { Extension, KeyPackage, LeafNode } from "../objects/index.js";
import { refuse } from "../rules.js";
import { bothSupport, checkSupport, leafRequirements, supportOf, type LeafRequirements } from "../tree/index.js";
import type { PublicEpoch } from "./epoch.js";
import type { GroupPolicy } from "./policy.js";

export interface AddSetting {
  readonly epoch: PublicEpoch;
  readonly policy: GroupPolicy;
  /** As they will be after the commit. */
  readonly extensions: readonly Extension[];
  /** Leaf indices of the members that the commit removes. */
  readonly removed: ReadonlySet<number>;
  /** What the members that stay support. */
  readonly support: PublicEpoch["tree"]["support"];
  /** The leaves that Updates of the same commit bring. */
  readonly updates?: readonly LeafNode[];
}

/** Admits new members one by one, as long as the group stays valid. */
export class GrowingGroup {
  readonly #setting: AddSetting;
  readonly #requirements: LeafRequirements;
  readonly #signatureKeys = new Set<string>();
  readonly #encryptionKeys = new Set<string>();
  #support: PublicEpoch["tree"]["support"];

  constructor(setting: AddSetting) {
    const { epoch, extensions } = setting;
    this.#setting = setting;
    this.#requirements = leafRequirements({ cipherSuite: epoch.suite.id, extensions });
    this.#support = setting.support;
    for (const { signatureKey, encryptionKey } of setting.updates ?? []) {
      this.#signatureKeys.add(latin1(signatureKey));
      this.#encryptionKeys.add(latin1(encryptionKey));
    }
  }

  /** @throws TinyMlsError `invalid` with the rule; then nothing is admitted */
  async admit({ leafNode }: KeyPackage): Promise<void> {
    const { epoch, removed } = this.#setting;
    const signatureKey = latin1(leafNode.signatureKey);
    const encryptionKey = latin1(leafNode.encryptionKey);
    if (this.#signatureKeys.has(signatureKey)) refuse("12.2/add-once");
    const present = epoch.tree.memberWithSignatureKey(leafNode.signatureKey);
    if (present !== undefined && !removed.has(present)) refuse("12.2/add-new", `leaf ${present}`);
    const inUse = epoch.tree.nodeWithEncryptionKey(leafNode.encryptionKey) !== undefined;
    if (inUse || this.#encryptionKeys.has(encryptionKey)) refuse("7.3/encryption-key-unique");
    const support = bothSupport(this.#support, supportOf(leafNode));
    checkSupport(support, this.#requirements);
    await this.#checkByApplication(leafNode);
    this.#support = support;
    this.#signatureKeys.add(signatureKey);
    this.#encryptionKeys.add(encryptionKey);
  }

  async #checkByApplication({ credential }: LeafNode): Promise<void> {
    const { epoch, removed, policy } = this.#setting;
    const { authentication } = policy;
    if (authentication.isSameClient === undefined) return;
    for (const [leafIndex, leaf] of epoch.tree.members()) {
      if (removed.has(leafIndex)) continue;
      const same = await authentication.isSameClient(credential, leaf.decode().credential);
      if (same) refuse("12.2/add-new", `leaf ${leafIndex}`);
    }
  }
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}
