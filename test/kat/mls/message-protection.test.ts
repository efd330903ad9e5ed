import { expect } from "@jest/globals";
import { decode, encode, encodeOnce } from "#dist/codec/index.js";
import {
  framedContent,
  FramingContext,
  openPrivate,
  openPublic,
  protectPrivate,
  protectPublic,
  signContent,
  verifyMessage,
  type ContentBody,
} from "#dist/mls/framing/index.js";
import {
  Commit,
  ContentType,
  GroupContext,
  MLSMessage,
  Proposal,
  SenderType,
  WireFormat,
  type FramedContent,
} from "#dist/mls/objects/index.js";
import { SecretTree } from "#dist/mls/schedule/index.js";
import { suiteOf } from "#dist/mls/suite/index.js";
import { Secret } from "#dist/native/secret.js";
import { heldHandles } from "../../held-handles.js";
import { testEntries } from "../vectors.js";

type Entry = Record<string, string> & { readonly cipher_suite: number; readonly epoch: number };

const hex = (text: string): Buffer => Buffer.from(text, "hex");
const leafIndex = 1;
const confirmationTag = Buffer.alloc(32, 1);

testEntries<Entry>("mls/message-protection.json", (entry) => {
  const suite = suiteOf(entry.cipher_suite);
  const before = heldHandles();
  const groupContext = encodeOnce(GroupContext, {
    version: 1,
    cipherSuite: suite.id,
    groupId: hex(entry["group_id"]!),
    epoch: BigInt(entry.epoch),
    treeHash: hex(entry["tree_hash"]!),
    confirmedTranscriptHash: hex(entry["confirmed_transcript_hash"]!),
    extensions: [],
  });
  const context = FramingContext.of(suite, groupContext);
  const raw = Secret.from(hex(entry["signature_priv"]!));
  const signatureKey = suite.signatureKey(raw);
  const membershipKey = Secret.from(hex(entry["membership_key"]!));
  const senderDataSecret = Secret.from(hex(entry["sender_data_secret"]!));
  const keys = { member: (leaf: number) => (leaf === leafIndex ? hex(entry["signature_pub"]!) : undefined) };
  const treeFor = (ownLeafIndex: number): SecretTree =>
    new SecretTree(suite, Secret.from(hex(entry["encryption_secret"]!)), { leafCount: 2, ownLeafIndex });

  const unprotected = (bytes: Buffer): FramedContent => {
    const message = decode(MLSMessage, bytes);
    if (message.wireFormat === WireFormat.mlsPublicMessage) {
      return verifyMessage(openPublic(context, message.publicMessage, bytes, { membershipKey }), keys).content;
    }
    if (message.wireFormat !== WireFormat.mlsPrivateMessage) throw new Error("neither public nor private");
    const secretTree = treeFor(0);
    try {
      const opened = openPrivate(context, message.privateMessage, bytes, { senderDataSecret, secretTree }, keys);
      if (opened.kind !== "opened") throw new Error(opened.kind);
      const { content } = verifyMessage(opened.message, keys);
      expect(opened.key.commit()).toBe(true);
      return content;
    } finally {
      secretTree.dispose();
    }
  };

  // The tag of a PublicMessage and of a PrivateMessage are its last octets.
  const refusesAltered = (bytes: Buffer, rule: string): void => {
    const altered = Buffer.from(bytes);
    altered[altered.byteLength - 1]! ^= 1;
    expect(() => unprotected(altered)).toThrow(expect.objectContaining({ rule }));
  };

  const contents: Record<string, ContentBody> = {
    proposal: { contentType: ContentType.proposal, proposal: decode(Proposal, hex(entry["proposal"]!)) },
    commit: { contentType: ContentType.commit, commit: decode(Commit, hex(entry["commit"]!)) },
    application: { contentType: ContentType.application, applicationData: hex(entry["application"]!) },
  };
  const bodyOf = (content: FramedContent): string => {
    if (content.contentType === ContentType.proposal) return encode(Proposal, content.proposal).toString("hex");
    if (content.contentType === ContentType.commit) return encode(Commit, content.commit).toString("hex");
    return Buffer.from(content.applicationData).toString("hex");
  };

  for (const [name, body] of Object.entries(contents)) {
    const sender = { senderType: SenderType.member, leafIndex };
    const content = framedContent(context, sender, Buffer.from("authenticated"), body);
    const tag = name === "commit" ? confirmationTag : undefined;

    expect(bodyOf(unprotected(hex(entry[`${name}_priv`]!)))).toBe(entry[name]);
    const secretTree = treeFor(leafIndex);
    const signed = signContent(context, WireFormat.mlsPrivateMessage, content, signatureKey);
    const { bytes, message } = protectPrivate(signed, { senderDataSecret, secretTree }, "steps", tag);
    expect(unprotected(bytes)).toEqual(content);
    for (const sent of [bytes, hex(entry[`${name}_priv`]!)]) refusesAltered(sent, "6.3/decryption");
    expect(message.content).toEqual(content);
    secretTree.dispose();

    const signPublic = () => signContent(context, WireFormat.mlsPublicMessage, content, signatureKey);
    if (name === "application") {
      expect(signPublic).toThrow(expect.objectContaining({ rule: "6/application-private" }));
      continue;
    }
    const theirs = hex(entry[`${name}_pub`]!);
    expect(bodyOf(unprotected(theirs))).toBe(entry[name]);
    const ours = protectPublic(signPublic(), membershipKey, tag);
    expect(unprotected(ours.bytes)).toEqual(content);
    for (const sent of [ours.bytes, theirs]) refusesAltered(sent, "6.2/membership-tag");
    expect(decode(MLSMessage, ours.bytes)).toMatchObject({ wireFormat: WireFormat.mlsPublicMessage });
  }
  for (const handle of [raw, signatureKey, membershipKey, senderDataSecret]) handle.dispose();
  expect(heldHandles()).toBe(before);
});
