/** RFC 9420 §12.4.3.1: the committer's side of a Welcome. */
import { encode, lengthHeader, vector } from "../../codec/index.js";
import { Secret } from "../../native/secret.js";
import {
  GroupInfo,
  KeyPackage,
  MLSMessage,
  PreSharedKeyID,
  ProtocolVersion,
  WireFormat,
  type GroupInfo as GroupInfoValue,
} from "../objects/index.js";
import { sealGroupInfo } from "../schedule/index.js";
import type { Suite } from "../suite/index.js";
import { commonAncestor, leafNode, type PathKeys } from "../tree/index.js";
import type { AddedMember } from "./apply-proposals.js";

const presharedKeyIds = vector(PreSharedKeyID);

export interface WelcomeContents {
  readonly suite: Suite;
  readonly groupInfo: GroupInfoValue;
  readonly added: readonly AddedMember[];
  /** The committer's leaf index. */
  readonly committer: number;
  /** Lent. */
  readonly joinerSecret: Secret;
  /** Lent. */
  readonly pskSecret: Secret | undefined;
  /** In the order of the commit's proposals. */
  readonly psks: readonly PreSharedKeyID[];
  /** Of the commit's path, lent; undefined without one. */
  readonly path: PathKeys | undefined;
}

/** One Welcome for all new members, an MLSMessage. All of them are encrypted in one parallel batch off the event loop. */
export async function createWelcome(contents: WelcomeContents): Promise<Buffer> {
  const { suite, added, joinerSecret, pskSecret } = contents;
  const encryptedGroupInfo = sealGroupInfo(suite, joinerSecret, pskSecret, encode(GroupInfo, contents.groupInfo));
  const plaintexts: Secret[] = [];
  try {
    for (const { leafIndex } of added) plaintexts.push(groupSecrets(contents, leafIndex));
    const sealed = await suite.encryptWithLabelAll(
      added.map(({ keyPackage }, index) => ({
        publicKey: keyPackage.initKey,
        label: "Welcome",
        context: encryptedGroupInfo,
        plaintext: plaintexts[index]!,
      })),
    );
    const secrets = added.map(({ keyPackage }, index) => ({
      newMember: suite.keyPackageRef(encode(KeyPackage, keyPackage)),
      encryptedGroupSecrets: sealed[index]!,
    }));
    const welcome = { cipherSuite: suite.id, secrets, encryptedGroupInfo };
    return encode(MLSMessage, { version: ProtocolVersion.mls10, wireFormat: WireFormat.mlsWelcome, welcome });
  } finally {
    for (const secret of plaintexts) secret.dispose();
  }
}

/** GroupSecrets, encoded in native memory. */
function groupSecrets({ joinerSecret, path, committer, psks }: WelcomeContents, leafIndex: number): Secret {
  const pathSecret = path?.pathSecret(commonAncestor(leafNode(committer), leafNode(leafIndex)));
  const optionalPathSecret =
    pathSecret === undefined ? [Buffer.from([0])] : [Buffer.from([1]), lengthHeader(pathSecret.byteLength), pathSecret];
  return Secret.concat([
    lengthHeader(joinerSecret.byteLength),
    joinerSecret,
    ...optionalPathSecret,
    encode(presharedKeyIds, psks),
  ]);
}
