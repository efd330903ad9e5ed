import { decode, encodeOnce } from "#dist/codec/index.js";
import {
  framedContent,
  FramingContext,
  openPrivate,
  openPublic,
  signContent,
  verifyMessage,
  type ContentBody,
  type MessageSecrets,
  type OpenedPrivate,
  type SenderKeys,
  type SignedContent,
  type VerifiedMessage,
} from "#dist/mls/framing/index.js";
import { contentBody, contentHead } from "#dist/mls/framing/content.js";
import {
  ContentType,
  GroupContext,
  MLSMessage,
  SenderType,
  WireFormat,
  type Proposal,
  type PublicMessage,
  type Sender,
} from "#dist/mls/objects/index.js";
import { EpochSecrets, SecretTree, type RetentionPolicy } from "#dist/mls/schedule/index.js";
import { suiteOf } from "#dist/mls/suite/index.js";
import type { PrivateKey } from "#dist/native/keys.js";
import { Secret } from "#dist/native/secret.js";
import { heldHandles } from "../held-handles.js";

export const member = (leafIndex: number): Sender => ({ senderType: SenderType.member, leafIndex });
export const application = (data: string | Uint8Array): ContentBody => ({
  contentType: ContentType.application,
  applicationData: Buffer.from(data as string),
});
export const proposal = (value: Proposal): ContentBody => ({ contentType: ContentType.proposal, proposal: value });
export const removal = proposal({ proposalType: 3, removed: 0 });
export const emptyCommit: ContentBody = { contentType: ContentType.commit, commit: { proposals: [], path: null } };

/** One epoch of a group of four leaves, of which the last is blank, as the framing of each member sees it. */
export class World {
  readonly suite;
  readonly context: FramingContext;
  readonly epoch: EpochSecrets;
  readonly signatureKeys: PrivateKey[] = [];
  readonly externalSender: PrivateKey;
  readonly trees: SecretTree[] = [];

  constructor(suiteId: number, retention: Partial<RetentionPolicy> = {}) {
    this.suite = suiteOf(suiteId);
    const groupContext = encodeOnce(GroupContext, {
      version: 1,
      cipherSuite: suiteId,
      groupId: Buffer.from("group"),
      epoch: 7n,
      treeHash: Buffer.alloc(this.suite.Nh, 1),
      confirmedTranscriptHash: Buffer.alloc(this.suite.Nh, 2),
      extensions: [],
    });
    this.context = FramingContext.of(this.suite, groupContext);
    this.epoch = EpochSecrets.forNewGroup(this.suite);
    this.externalSender = this.suite.generateSignatureKeyPair();
    const encryptionSecret = this.epoch.take("encryptionSecret");
    for (let leafIndex = 0; leafIndex < 3; leafIndex++) {
      this.signatureKeys.push(this.suite.generateSignatureKeyPair());
      const options = { leafCount: 4, ownLeafIndex: leafIndex, retention };
      this.trees.push(new SecretTree(this.suite, encryptionSecret.clone(), options));
    }
    encryptionSecret.dispose();
  }

  readonly keys: SenderKeys = {
    member: (leafIndex) => this.signatureKeys[leafIndex]?.publicKey,
    externalSender: (senderIndex) => (senderIndex === 0 ? this.externalSender.publicKey : undefined),
  };

  secrets(leafIndex: number): MessageSecrets {
    return { senderDataSecret: this.epoch.senderDataSecret, secretTree: this.trees[leafIndex]! };
  }

  /** What an honest member signs. */
  sign(wireFormat: WireFormat, leafIndex: number, body: ContentBody, authenticatedData = ""): SignedContent {
    const content = framedContent(this.context, member(leafIndex), Buffer.from(authenticatedData), body);
    return signContent(this.context, wireFormat, content, this.signatureKeys[leafIndex]!);
  }

  /** Signs anything in the name of anyone. */
  forge(
    wireFormat: WireFormat,
    sender: Sender,
    body: ContentBody,
    key: PrivateKey,
    context = this.context,
  ): SignedContent {
    const content = framedContent(context, sender, Buffer.alloc(0), body);
    const head = contentHead(context, wireFormat, content);
    const unsigned = { context, wireFormat, content, head, body: contentBody(content) };
    const tbs = [unsigned.head, unsigned.body, context.signedContext(sender.senderType)];
    return { ...unsigned, signature: this.suite.signWithLabel(key, "FramedContentTBS", tbs) };
  }

  receivePublic(bytes: Uint8Array): VerifiedMessage {
    const { membershipKey } = this.epoch;
    const message = decode(MLSMessage, bytes) as { publicMessage: PublicMessage };
    return verifyMessage(
      openPublic(this.context, message.publicMessage, bytes, { membershipKey }, this.keys),
      this.keys,
    );
  }

  openPrivate(leafIndex: number, bytes: Uint8Array): OpenedPrivate {
    const message = decode(MLSMessage, bytes);
    if (message.wireFormat !== WireFormat.mlsPrivateMessage) throw new Error("not private");
    return openPrivate(this.context, message.privateMessage, bytes, this.secrets(leafIndex), this.keys);
  }

  /** The whole of receiving: the data of an application message, or what else became of it. */
  receivePrivate(leafIndex: number, bytes: Uint8Array): string {
    const opened = this.openPrivate(leafIndex, bytes);
    if (opened.kind !== "opened") return opened.kind;
    try {
      const { content } = verifyMessage(opened.message, this.keys);
      const data =
        content.contentType === ContentType.application ? Buffer.from(content.applicationData).toString() : "handshake";
      return opened.key.commit() ? data : "duplicate";
    } finally {
      opened.key.discard();
    }
  }

  /** Everything that receiving may change, and the number of live handles. */
  fingerprint(): string {
    const state = this.trees.map((tree) =>
      [...tree.entries()].map((entry) =>
        Object.values(entry).map((value: unknown) =>
          value instanceof Secret ? this.suite.mac(value, Buffer.from("fingerprint")).toString("hex") : String(value),
        ),
      ),
    );
    return JSON.stringify([heldHandles(), state]);
  }

  dispose(): void {
    this.epoch.dispose();
    for (const handle of [...this.signatureKeys, this.externalSender, ...this.trees]) handle.dispose();
  }
}
