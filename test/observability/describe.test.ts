import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { TinyMlsError } from "tinymls";
import {
  CipherSuite,
  ContentType,
  CredentialType,
  describe as describeBytes,
  encode,
  ExtensionType,
  ExternalSenders,
  GroupInfo,
  KeyPackage,
  LeafNodeSource,
  MLSMessage,
  NodeType,
  ProposalOrRefType,
  ProposalType,
  ProtocolVersion,
  PSKType,
  RatchetTree,
  RequiredCapabilities,
  ResumptionPSKUsage,
  SenderType,
  unassignedType,
  WireFormat,
  type Credential,
  type Extension,
  type FramedContent,
  type LeafNode,
  type Proposal,
  type Sender,
} from "tinymls/messages";
import { testEntries } from "../kat/vectors.js";

const text = (value: string) => new TextEncoder().encode(value);
const filled = (length: number, value: number) => new Uint8Array(length).fill(value);
const basic = (name: string): Credential => ({ credentialType: CredentialType.basic, identity: text(name) });

const common = {
  encryptionKey: filled(32, 1),
  signatureKey: filled(32, 2),
  capabilities: {
    versions: [ProtocolVersion.mls10],
    cipherSuites: [CipherSuite.MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519, 0x0a0a, 0xf001],
    extensions: [],
    proposals: [0xf002],
    credentials: [CredentialType.basic],
  },
  signature: filled(64, 3),
};

function leafOf(name: string, extensions: Extension[] = []): LeafNode {
  const lifetime = { notBefore: 1_700_000_000n, notAfter: 2n ** 64n - 1n };
  return { ...common, credential: basic(name), leafNodeSource: LeafNodeSource.keyPackage, lifetime, extensions };
}

const keyPackage = (name: string, extensions: Extension[] = []) => ({
  version: ProtocolVersion.mls10,
  cipherSuite: CipherSuite.MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519,
  initKey: filled(32, 4),
  leafNode: leafOf(name, extensions),
  extensions: [],
  signature: filled(64, 5),
});

type Body =
  { contentType: 1; applicationData: Uint8Array } | Pick<FramedContent & { contentType: 3 }, "contentType" | "commit">;

function publicMessage(body: Body | { contentType: 2; proposal: Proposal }, sender?: Sender): Buffer {
  const header = { groupId: text("team"), epoch: 7n, authenticatedData: new Uint8Array(0) };
  const from = sender ?? { senderType: SenderType.member, leafIndex: 3 };
  const content: FramedContent = { ...header, sender: from, ...body };
  const commit = content.contentType === ContentType.commit;
  const auth = { signature: filled(64, 6), ...(commit ? { confirmationTag: filled(4, 7) } : {}) };
  const tag = from.senderType === SenderType.member ? { membershipTag: filled(4, 8) } : {};
  const version = ProtocolVersion.mls10;
  return encode(MLSMessage, {
    version,
    wireFormat: WireFormat.mlsPublicMessage,
    publicMessage: { content, auth, ...tag },
  });
}

test("a key package, with and without the message around it", () => {
  const lines = [
    "version: mls10",
    "cipher suite: MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519",
    `init key: ${"04".repeat(32)}`,
    "leaf node",
    '  credential: basic "Zoë"',
    `  signature key: ${"02".repeat(32)}`,
    `  encryption key: ${"01".repeat(32)}`,
    "  source: key package",
    "  lifetime: 2023-11-14T22:13:20Z to 18446744073709551615 s after 1970",
    "  capabilities",
    "    versions: mls10",
    "    cipher suites: MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519, GREASE 0x0a0a, 0xf001",
    "    extensions: none",
    "    proposals: 0xf002",
    "    credentials: basic",
    "  extensions",
    "    applicationId, 4 octets",
    '      id: "app"',
    "  signature: 64 octets",
    "extensions: none",
    "signature: 64 octets",
  ].map((line) => `  ${line}`);
  const value = keyPackage("Zoë", [
    { extensionType: ExtensionType.applicationId, extensionData: Buffer.concat([Buffer.of(3), text("app")]) },
  ]);
  const bare = encode(KeyPackage, value);
  expect(describeBytes(bare).split("\n")).toEqual([`KeyPackage, ${bare.length} octets`, ...lines]);
  const version = ProtocolVersion.mls10;
  const message = encode(MLSMessage, { version, wireFormat: WireFormat.mlsKeyPackage, keyPackage: value });
  expect(describeBytes(message).split("\n")).toEqual([`MLSMessage mlsKeyPackage, ${message.length} octets`, ...lines]);
});

test("a commit: sender, every kind of proposal, path", () => {
  const psk = { pskNonce: filled(32, 9) };
  const external = { ...psk, pskType: PSKType.external, pskId: text("id") } as const;
  const usage = ResumptionPSKUsage.branch;
  const resumption = { ...psk, pskType: PSKType.resumption, usage, pskGroupId: text("old"), pskEpoch: 4n } as const;
  const suite = CipherSuite.MLS_256_DHKEMX448_AES256GCM_SHA512_Ed448;
  const list: Proposal[] = [
    { proposalType: ProposalType.add, keyPackage: keyPackage("bob") },
    {
      proposalType: ProposalType.update,
      leafNode: { ...leafOf("carol"), leafNodeSource: LeafNodeSource.update } as LeafNode,
    },
    { proposalType: ProposalType.remove, removed: 5 },
    { proposalType: ProposalType.psk, psk: external },
    { proposalType: ProposalType.psk, psk: resumption },
    { proposalType: ProposalType.reinit, groupId: text("next"), version: 1, cipherSuite: suite, extensions: [] },
    { proposalType: ProposalType.externalInit, kemOutput: filled(32, 1) },
    { proposalType: ProposalType.groupContextExtensions, extensions: [] },
    { proposalType: unassignedType(0xf00d), data: text("own") },
  ];
  const proposals = list.map((proposal) => ({ type: ProposalOrRefType.proposal, proposal }));
  const ciphertext = { kemOutput: filled(32, 1), ciphertext: filled(48, 2) };
  const nodes = [{ encryptionKey: filled(32, 3), encryptedPathSecret: [ciphertext, ciphertext] }];
  const parentHash = filled(32, 4);
  const leafNode: LeafNode = { ...common, credential: basic("alice"), leafNodeSource: 3, parentHash, extensions: [] };
  const reference = { type: ProposalOrRefType.reference, reference: filled(32, 0xab) };
  const commit = { proposals: [...proposals, reference], path: { leafNode, nodes } };
  const said = describeBytes(publicMessage({ contentType: ContentType.commit, commit }));
  for (const part of [
    'group id: "team"',
    "epoch: 7",
    "content: commit",
    "sender: member, leaf 3",
    "proposals (10)",
    "1. add",
    '  credential: basic "bob"',
    "2. update",
    "3. remove: leaf 5",
    '4. psk: external, id "id"',
    '5. psk: resumption for branch, group "old", epoch 4',
    "6. reinit",
    '  group id: "next"',
    "7. externalInit: KEM output of 32 octets",
    "8. groupContextExtensions: none",
    "9. 0xf00d: 6f776e",
    `10. by reference: ${"ab".repeat(32)}`,
    '  credential: basic "alice"',
    `  source: commit, parent hash ${"04".repeat(32)}`,
    "nodes: 1, with 2 encrypted path secrets",
    "confirmation tag: 07070707",
    "membership tag: 08080808",
  ]) {
    expect(said).toContain(`  ${part}`);
  }
});

test.each([
  [{ senderType: SenderType.external, senderIndex: 2 }, "external, index 2 of external_senders"],
  [{ senderType: SenderType.newMemberProposal }, "new member, proposing to be added"],
  [{ senderType: SenderType.newMemberCommit }, "new member, joining by external commit"],
] as const)("the sender %p", (sender, said) => {
  const proposal: Proposal = { proposalType: ProposalType.remove, removed: 1 };
  const bytes = publicMessage({ contentType: ContentType.proposal, proposal }, sender);
  expect(describeBytes(bytes)).toContain(`  sender: ${said}\n`);
});

test("application data is told by its size alone", () => {
  const bytes = publicMessage({ contentType: ContentType.application, applicationData: text("secret words") });
  expect(describeBytes(bytes)).toContain("application data: 12 octets");
  expect(describeBytes(bytes)).not.toContain("secret words");
  expect(describeBytes(bytes)).not.toContain(Buffer.from("secret words").toString("hex"));
});

test("names that could disturb a terminal are shown as hex", () => {
  for (const name of ["\u001b[2J", "a\nb", "\u202egnp", "\u2028", "\ufeffx", "\u0000"]) {
    const said = describeBytes(encode(KeyPackage, keyPackage(name)));
    expect(said).toContain(`credential: basic ${Buffer.from(name).toString("hex")}`);
    // eslint-disable-next-line no-control-regex -- control characters are what must not be there
    expect(said).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028-\u202e\ufeff]/);
  }
  const invalid = {
    ...keyPackage(""),
    leafNode: { ...leafOf(""), credential: { credentialType: 1, identity: filled(2, 0xff) } },
  };
  expect(describeBytes(encode(KeyPackage, invalid as never))).toContain("credential: basic ffff");
});

test("a group info with its extensions, a broken one among them", () => {
  const own = {
    extensionTypes: [ExtensionType.applicationId],
    proposalTypes: [0xf00d],
    credentialTypes: [CredentialType.x509],
  };
  const senders = encode(ExternalSenders, [{ signatureKey: filled(32, 1), credential: basic("server") }]);
  const chain: Credential = { credentialType: CredentialType.x509, certificates: [{ certData: filled(9, 1) }] };
  const nodes = [leafOf("alice"), { ...leafOf(""), credential: chain }].map((leafNode) => ({
    nodeType: NodeType.leaf,
    leafNode,
  }));
  const parentNode = { encryptionKey: filled(32, 1), parentHash: filled(0, 0), unmergedLeaves: [0, 1] };
  const tree = encode(RatchetTree, [nodes[0]!, { nodeType: NodeType.parent, parentNode }, nodes[1]!]);
  const groupContext = {
    version: 1,
    cipherSuite: 2,
    groupId: filled(40, 0xaa),
    epoch: 2n ** 63n,
    treeHash: filled(32, 1),
    confirmedTranscriptHash: filled(0, 0),
    extensions: [
      { extensionType: ExtensionType.requiredCapabilities, extensionData: encode(RequiredCapabilities, own) },
      { extensionType: ExtensionType.externalSenders, extensionData: senders },
    ],
  };
  const extensions = [
    { extensionType: ExtensionType.ratchetTree, extensionData: tree },
    { extensionType: ExtensionType.externalPub, extensionData: filled(1, 0x40) },
    { extensionType: 0x1a1a, extensionData: filled(2, 0xee) },
  ];
  const info = { groupContext, extensions, confirmationTag: filled(4, 2), signer: 1, signature: filled(64, 3) };
  const said = describeBytes(encode(GroupInfo, info));
  for (const part of [
    `group id: ${"aa".repeat(32)}... (40 octets)`,
    "epoch: 9223372036854775808",
    "confirmed transcript hash: none",
    "extensions: applicationId",
    "proposals: 0xf00d",
    "credentials: x509",
    `sender 0: basic "server", signature key ${"01".repeat(32)}`,
    "members: 2, on 2 leaves",
    "parents: 1 of 1 not blank, 2 entries of unmerged leaves",
    'leaf 0: basic "alice"',
    "leaf 1: x509, 1 certificate of 9 octets",
    "malformed: ExternalPub.externalPub at octet",
    "GREASE 0x1a1a, 2 octets: eeee",
    "signer: leaf 1",
  ]) {
    expect(said).toContain(`  ${part}`);
  }
});

test("long lists are cut", () => {
  const leaf = { nodeType: NodeType.leaf, leafNode: leafOf("x") };
  const tree = encode(
    RatchetTree,
    Array.from({ length: 2001 }, (_, index) => (index % 2 === 0 ? leaf : null)),
  );
  const said = describeBytes(tree).split("\n");
  expect(said).toHaveLength(104);
  expect(said.at(-1)).toBe("  ... and 901 more");
});

test("what is none of these is malformed, and says where the nearest broke off", () => {
  const bytes = encode(KeyPackage, keyPackage("bob"));
  const error = (() => {
    try {
      return describeBytes(bytes.subarray(0, -3));
    } catch (caught) {
      return caught;
    }
  })();
  expect(error).toBeInstanceOf(TinyMlsError);
  expect(error).toMatchObject({ code: "malformed", operation: "describe", path: "KeyPackage.signature" });
  expect(() => describeBytes(new Uint8Array(0))).toThrow(expect.objectContaining({ code: "malformed" }));
  expect(() => describeBytes("hex" as never)).toThrow(expect.objectContaining({ code: "usage" }));
});

test("any octets are described or malformed", () => {
  const property = fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
    try {
      expect(describeBytes(bytes)).toContain(`${bytes.length} octet`);
    } catch (error) {
      expect(error).toMatchObject({ code: "malformed" });
    }
  });
  fc.assert(property, { numRuns: 500, endOnFailure: true });
});

testEntries<Record<string, string>>("mls/messages.json", (entry) => {
  for (const name of ["mls_welcome", "mls_group_info", "mls_key_package", "private_message", "public_message_commit"]) {
    const said = describeBytes(Buffer.from(entry[name]!, "hex"));
    expect(said).toMatch(/^MLSMessage mls\w+, \d+ octets\n {2}/);
    expect(said).not.toContain("malformed");
  }
  expect(describeBytes(Buffer.from(entry["ratchet_tree"]!, "hex"))).toMatch(/^RatchetTree, \d+ octets\n {2}members: /);
});
