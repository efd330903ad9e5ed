/** RFC 9420 §12.4.3.1: joining by a Welcome. */
import { decode, encode } from "../../codec/index.js";
import { TinyMlsError } from "../../errors.js";
import type { PrivateKey } from "../../native/keys.js";
import { Owned } from "../../native/owned.js";
import { decodeSecret, Secret } from "../../native/secret.js";
import { verifyConfirmationTag } from "../framing/index.js";
import {
  GroupInfo,
  GroupSecrets,
  LeafNode,
  PreSharedKeyID,
  PSKType,
  ResumptionPSKUsage,
  type Welcome,
} from "../objects/index.js";
import { refuse } from "../rules.js";
import { EpochSecrets, openGroupInfo, type RetentionPolicy } from "../schedule/index.js";
import type { Suite } from "../suite/index.js";
import { joinPath, leafNode, TreePrivateKeys, type RatchetTree } from "../tree/index.js";
import { memberEpoch, type MemberEpoch, type PublicEpoch } from "./epoch.js";
import type { OwnKeyPackage } from "./key-package.js";
import type { GroupPolicy } from "./policy.js";
import { pskSecretOf, type PskLookup } from "./psk-store.js";
import { secretTreeOf } from "./stage-member.js";
import { validateGroupInfo } from "./validate-group-info.js";

type Bytes = Uint8Array;

/** A resumption PSK that says which group the one that is joined follows. */
export type ResumptionPsk = Extract<PreSharedKeyID, { readonly pskType: typeof PSKType.resumption }>;

export interface JoinRequest {
  readonly suite: Suite;
  readonly welcome: Welcome;
  /** Lent. */
  readonly keyPackage: OwnKeyPackage;
  /** The private key of the key package's leaf, lent. */
  readonly signatureKey: PrivateKey;
  /** Where the Welcome does not hold it: the body of a ratchet_tree extension. */
  readonly ratchetTree: Bytes | undefined;
  readonly policy: GroupPolicy;
  readonly psks: PskLookup;
  readonly retention: RetentionPolicy;
  readonly hasGroup: (groupId: Bytes) => boolean;
  /** RFC 9420 §11.2, §11.3: what the group has to be when it follows another one. */
  readonly checkOrigin: (psk: ResumptionPsk, epoch: PublicEpoch) => Promise<void>;
}

/**
 * The epoch that a Welcome invites to. Nothing of the client changes.
 * @throws TinyMlsError `undecryptable`; `missing` for a PSK or the ratchet tree; `malformed`; `invalid` with the rule
 */
export async function joinByWelcome(request: JoinRequest): Promise<MemberEpoch> {
  const { suite, welcome, keyPackage, policy, psks } = request;
  using temporary = new Owned();
  const invitation = temporary.add(openInvitation(request));
  const origin = originOf(invitation.psks);
  const pskSecret = temporary.add(pskSecretOf(suite, invitation.psks, psks));
  const sealed = welcome.encryptedGroupInfo;
  const groupInfo = decode(
    GroupInfo,
    decrypted(() => openGroupInfo(suite, invitation.joinerSecret, pskSecret, sealed)),
  );
  const { groupContext } = groupInfo;
  if (groupContext.version !== keyPackage.value.version) refuse("12.4.3.1/version");
  if (groupContext.cipherSuite !== suite.id) refuse("12.4.3.1/cipher-suite");
  if (request.hasGroup(groupContext.groupId) && !replaces(origin, groupContext.groupId)) {
    refuse("12.4.3.1/group-id-unique");
  }
  const ownLeaf = encode(LeafNode, keyPackage.value.leafNode);
  const epoch = await validateGroupInfo(suite, groupInfo, request.ratchetTree, policy, ownLeaf);
  const ownLeafIndex = findOwnLeaf(epoch.tree, keyPackage, ownLeaf);
  if (origin !== undefined) await request.checkOrigin(origin, epoch);

  using kept = new Owned();
  const secrets = kept.add(EpochSecrets.fromJoiner(suite, invitation.joinerSecret, pskSecret, epoch.context.bytes));
  verifyConfirmationTag(
    suite,
    secrets.confirmationKey,
    groupContext.confirmedTranscriptHash,
    groupInfo.confirmationTag,
  );
  const keys = kept.add(await privateKeys(request, epoch.tree, ownLeafIndex, groupInfo.signer, invitation.pathSecret));
  const signatureKey = kept.add(request.signatureKey.clone());
  const secretTree = secretTreeOf(secrets, epoch.tree.leafWidth, ownLeafIndex, {
    retention: request.retention,
    now: policy.now,
  });
  kept.release();
  return memberEpoch(epoch, { ownLeafIndex, keys, signatureKey, secrets, secretTree });
}

/** GroupSecrets, its secrets as handles. */
class Invitation {
  readonly joinerSecret: Secret;
  readonly pathSecret: Secret | undefined;
  readonly psks: readonly PreSharedKeyID[];

  constructor(suite: Suite, { joinerSecret, pathSecret, psks }: GroupSecrets) {
    if (joinerSecret.byteLength !== suite.Nh) refuse("12.4.3.1/joiner-secret-length");
    // What is read is a view of scratch memory; the ids are public and outlive it.
    this.psks = psks.map((psk) => decode(PreSharedKeyID, encode(PreSharedKeyID, psk)));
    this.joinerSecret = Secret.from(joinerSecret);
    this.pathSecret = pathSecret === null ? undefined : Secret.from(pathSecret.pathSecret);
  }

  dispose(): void {
    this.joinerSecret.dispose();
    this.pathSecret?.dispose();
  }
}

function openInvitation({ suite, welcome, keyPackage }: JoinRequest): Invitation {
  const mine = welcome.secrets.filter(({ newMember }) => keyPackage.ref.equals(newMember));
  if (mine.length !== 1) refuse("12.4.3.1/key-package-ref", `${mine.length} entries`);
  if (welcome.cipherSuite !== keyPackage.value.cipherSuite) refuse("12.4.3.1/cipher-suite");
  const { kemOutput, ciphertext } = mine[0]!.encryptedGroupSecrets;
  const { initKey } = keyPackage;
  const { encryptedGroupInfo } = welcome;
  const opened = decrypted(() => suite.decryptWithLabel(initKey, "Welcome", encryptedGroupInfo, kemOutput, ciphertext));
  try {
    return decodeSecret(opened, (scratch) => new Invitation(suite, decode(GroupSecrets, scratch)));
  } finally {
    opened.dispose();
  }
}

function decrypted<T>(decrypt: () => T): T {
  try {
    return decrypt();
  } catch (error) {
    if (!(error instanceof TinyMlsError) || error.code !== "undecryptable") throw error;
    return refuse("12.4.3.1/decryption", undefined, "undecryptable");
  }
}

/** RFC 9420 §12.4.3.1: at most one PSK says that the group follows another. */
function originOf(psks: readonly PreSharedKeyID[]): ResumptionPsk | undefined {
  const origins = psks.filter(
    (psk): psk is ResumptionPsk => psk.pskType === PSKType.resumption && psk.usage !== ResumptionPSKUsage.application,
  );
  if (origins.length > 1) refuse("12.4.3.1/one-origin");
  return origins[0];
}

/** RFC 9420 §11.2: a ReInit may keep the group id. Whether it is a ReInit of that group is up to `checkOrigin`. */
function replaces(origin: ResumptionPsk | undefined, groupId: Bytes): boolean {
  return origin?.usage === ResumptionPSKUsage.reinit && Buffer.compare(origin.pskGroupId, groupId) === 0;
}

/** RFC 9420 §12.4.3.1: the leaf that is identical to the one in the key package. */
function findOwnLeaf(tree: RatchetTree, { value }: OwnKeyPackage, ownLeaf: Buffer): number {
  const index = tree.memberWithSignatureKey(value.leafNode.signatureKey);
  const leaf = index === undefined ? null : tree.leaf(index);
  if (leaf === null || !ownLeaf.equals(leaf.bytes)) refuse("12.4.3.1/own-leaf");
  return index!;
}

async function privateKeys(
  { suite, keyPackage }: JoinRequest,
  tree: RatchetTree,
  ownLeafIndex: number,
  signer: number,
  pathSecret: Secret | undefined,
): Promise<TreePrivateKeys> {
  const keys = new Map<number, PrivateKey>();
  if (pathSecret !== undefined) {
    const path = await joinPath(suite, tree, ownLeafIndex, signer, pathSecret.clone());
    for (const [node, key] of path.takeKeys()) keys.set(node, key);
    path.dispose();
  }
  keys.set(leafNode(ownLeafIndex), keyPackage.leafKey.clone());
  return new TreePrivateKeys(ownLeafIndex, keys);
}
