import { expect, test } from "@jest/globals";
import {
  ContentType,
  CredentialType,
  LeafNodeSource,
  ProposalType,
  SenderType,
  unassignedType,
  type Credential,
  type FramedContent,
  type LeafNode,
  type Proposal,
  type PublicMessage,
} from "tinymls/messages";

// These functions are the test: they compile only when the enum before a variant tells TypeScript which fields follow.
const removed = (proposal: Proposal): number | undefined =>
  proposal.proposalType === ProposalType.remove ? proposal.removed : undefined;

const identity = (credential: Credential): Uint8Array | undefined => {
  switch (credential.credentialType) {
    case CredentialType.basic:
      return credential.identity;
    case CredentialType.x509:
      return credential.certificates[0]?.certData;
    default:
      return credential.data;
  }
};

const tag = (message: PublicMessage): Uint8Array | undefined => message.membershipTag ?? message.auth.confirmationTag;

const notAfter = (leaf: LeafNode): bigint | undefined =>
  leaf.leafNodeSource === LeafNodeSource.keyPackage ? leaf.lifetime.notAfter : undefined;

test("the enum before a variant narrows the type of a value", () => {
  const data = Uint8Array.of(1);
  expect(removed({ proposalType: ProposalType.remove, removed: 3 })).toBe(3);
  expect(removed({ proposalType: unassignedType(0xf001), data })).toBeUndefined();
  expect(identity({ credentialType: unassignedType(0xf001), data })).toBe(data);
  expect(identity({ credentialType: CredentialType.x509, certificates: [{ certData: data }] })).toBe(data);
  const content: FramedContent = {
    groupId: data,
    epoch: 1n,
    sender: { senderType: SenderType.member, leafIndex: 0 },
    authenticatedData: data,
    contentType: ContentType.application,
    applicationData: data,
  };
  expect(tag({ content, auth: { signature: data }, membershipTag: data })).toBe(data);
  const leaf = { encryptionKey: data, signatureKey: data, extensions: [], signature: data } as const;
  const capabilities = { versions: [1], cipherSuites: [1], extensions: [], proposals: [], credentials: [1] } as const;
  const credential = { credentialType: CredentialType.basic, identity: data } as const;
  const lifetime = { notBefore: 1n, notAfter: 2n };
  expect(notAfter({ ...leaf, capabilities, credential, leafNodeSource: LeafNodeSource.keyPackage, lifetime })).toBe(2n);
  expect(notAfter({ ...leaf, capabilities, credential, leafNodeSource: LeafNodeSource.update })).toBeUndefined();
});
