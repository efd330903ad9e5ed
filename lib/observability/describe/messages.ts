/** RFC 9420 §6, §12: messages in words. What is secret or said in confidence is told by its size alone. */
import {
  ContentType,
  ProposalOrRefType,
  ProposalType,
  PSKType,
  SenderType,
  WireFormat,
  type Commit,
  type FramedContent,
  type MLSMessage,
  type PreSharedKeyID,
  type PrivateMessage,
  type Proposal,
  type PublicMessage,
  type ResumptionPSKUsage,
  type Sender,
  type UpdatePath,
  type Welcome,
} from "../../mls/objects/index.js";
import { cipherSuite, proposalType, protocolVersion } from "../../mls/objects/enumerations.js";
import { contentType } from "../../mls/objects/framed-content.js";
import { describeExtensions } from "./extensions.js";
import { describeLeafNode } from "./leaf.js";
import { describeGroupInfo, describeKeyPackage } from "./objects.js";
import { count, octets, registered, textOrOctets, type Outline } from "./outline.js";

const usages: Readonly<Record<ResumptionPSKUsage, string>> = { 1: "application", 2: "reinit", 3: "branch" };

function pskText(psk: PreSharedKeyID): string {
  if (psk.pskType === PSKType.external) return `external, id ${textOrOctets(psk.pskId)}`;
  return `resumption for ${usages[psk.usage]}, group ${textOrOctets(psk.pskGroupId)}, epoch ${psk.pskEpoch}`;
}

function describeProposal(out: Outline, proposal: Proposal, heading: string): void {
  switch (proposal.proposalType) {
    case ProposalType.add:
      out.section(`${heading}add`, (inner) => describeKeyPackage(inner, proposal.keyPackage));
      return;
    case ProposalType.update:
      out.section(`${heading}update`, (inner) => describeLeafNode(inner, proposal.leafNode));
      return;
    case ProposalType.remove:
      out.add(`${heading}remove`, `leaf ${proposal.removed}`);
      return;
    case ProposalType.psk:
      out.add(`${heading}psk`, pskText(proposal.psk));
      return;
    case ProposalType.reinit:
      out.section(`${heading}reinit`, (inner) => {
        inner.add("group id", textOrOctets(proposal.groupId));
        inner.add("version", registered(protocolVersion, proposal.version));
        inner.add("cipher suite", registered(cipherSuite, proposal.cipherSuite));
        describeExtensions(inner, proposal.extensions);
      });
      return;
    case ProposalType.externalInit:
      out.add(`${heading}externalInit`, `KEM output of ${count(proposal.kemOutput.byteLength, "octet")}`);
      return;
    case ProposalType.groupContextExtensions:
      describeExtensions(out, proposal.extensions, `${heading}groupContextExtensions`);
      return;
    default:
      out.add(`${heading}${registered(proposalType, proposal.proposalType)}`, octets(proposal.data));
  }
}

function describePath(out: Outline, path: UpdatePath): void {
  out.section("path", (inner) => {
    describeLeafNode(inner, path.leafNode, "new leaf node");
    const ciphertexts = path.nodes.reduce((sum, node) => sum + node.encryptedPathSecret.length, 0);
    inner.add("nodes", `${path.nodes.length}, with ${count(ciphertexts, "encrypted path secret")}`);
  });
}

function describeCommit(out: Outline, commit: Commit): void {
  if (commit.proposals.length === 0) out.add("proposals", "none");
  else {
    out.section(`proposals (${commit.proposals.length})`, (inner) =>
      inner.list(commit.proposals, (lines, item, index) => {
        if (item.type === ProposalOrRefType.proposal) describeProposal(lines, item.proposal, `${index + 1}. `);
        else lines.add(`${index + 1}. by reference`, octets(item.reference));
      }),
    );
  }
  if (commit.path === null) out.add("path", "none");
  else describePath(out, commit.path);
}

function senderText(sender: Sender): string {
  switch (sender.senderType) {
    case SenderType.member:
      return `member, leaf ${sender.leafIndex}`;
    case SenderType.external:
      return `external, index ${sender.senderIndex} of external_senders`;
    case SenderType.newMemberProposal:
      return "new member, proposing to be added";
    case SenderType.newMemberCommit:
      return "new member, joining by external commit";
  }
}

function describeContent(out: Outline, content: FramedContent): void {
  switch (content.contentType) {
    case ContentType.application:
      out.add("application data", count(content.applicationData.byteLength, "octet"));
      return;
    case ContentType.proposal:
      describeProposal(out, content.proposal, "proposal ");
      return;
    case ContentType.commit:
      describeCommit(out, content.commit);
  }
}

interface Header {
  readonly groupId: Uint8Array;
  readonly epoch: bigint;
  readonly contentType: ContentType;
  readonly authenticatedData: Uint8Array;
}

function describeHeader(out: Outline, header: Header): void {
  out.add("group id", textOrOctets(header.groupId));
  out.add("epoch", header.epoch.toString());
  out.add("content", contentType.nameOf(header.contentType));
  out.add("authenticated data", octets(header.authenticatedData));
}

function describePublicMessage(out: Outline, { content, auth, membershipTag }: PublicMessage): void {
  describeHeader(out, content);
  out.add("sender", senderText(content.sender));
  describeContent(out, content);
  out.add("signature", count(auth.signature.byteLength, "octet"));
  if (auth.confirmationTag) out.add("confirmation tag", octets(auth.confirmationTag));
  if (membershipTag) out.add("membership tag", octets(membershipTag));
}

function describePrivateMessage(out: Outline, message: PrivateMessage): void {
  describeHeader(out, message);
  out.add("encrypted sender data", count(message.encryptedSenderData.byteLength, "octet"));
  out.add("ciphertext", count(message.ciphertext.byteLength, "octet"));
}

function describeWelcome(out: Outline, welcome: Welcome): void {
  out.add("cipher suite", registered(cipherSuite, welcome.cipherSuite));
  out.section(`new members (${welcome.secrets.length}), by key package reference`, (inner) =>
    inner.list(welcome.secrets, (lines, { newMember, encryptedGroupSecrets }) =>
      lines.add(octets(newMember), `secrets of ${count(encryptedGroupSecrets.ciphertext.byteLength, "octet")}`),
    ),
  );
  out.add("encrypted group info", count(welcome.encryptedGroupInfo.byteLength, "octet"));
}

export function describeMessage(out: Outline, message: MLSMessage): void {
  switch (message.wireFormat) {
    case WireFormat.mlsPublicMessage:
      describePublicMessage(out, message.publicMessage);
      return;
    case WireFormat.mlsPrivateMessage:
      describePrivateMessage(out, message.privateMessage);
      return;
    case WireFormat.mlsWelcome:
      describeWelcome(out, message.welcome);
      return;
    case WireFormat.mlsGroupInfo:
      describeGroupInfo(out, message.groupInfo);
      return;
    case WireFormat.mlsKeyPackage:
      describeKeyPackage(out, message.keyPackage);
  }
}
