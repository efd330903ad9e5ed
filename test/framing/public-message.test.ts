import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { decode, encode } from "#dist/codec/index.js";
import { FramingContext, openPublic, protectPublic, type Membership } from "#dist/mls/framing/index.js";
import {
  AuthenticatedContent,
  ContentType,
  MLSMessage,
  SenderType,
  WireFormat,
  type PublicMessage,
} from "#dist/mls/objects/index.js";
import { cipherSuites } from "#dist/mls/suite/index.js";
import { heldHandles } from "../held-handles.js";
import { application, emptyCommit, member, proposal, removal, World } from "./world.js";

const publicMessage = WireFormat.mlsPublicMessage;
const external = { senderType: SenderType.external, senderIndex: 0 } as const;
const newMemberProposal = { senderType: SenderType.newMemberProposal } as const;
const newMemberCommit = { senderType: SenderType.newMemberCommit } as const;

describe.each([...cipherSuites.values()])("$name", ({ id }) => {
  let world: World;
  let handlesBefore: number;
  beforeEach(() => {
    handlesBefore = heldHandles();
    world = new World(id);
  });
  afterEach(() => {
    world.dispose();
    expect(heldHandles()).toBe(handlesBefore);
  });

  const keyOf = (leafIndex: number) => world.signatureKeys[leafIndex]!;
  const sent = (leafIndex = 0) => {
    return protectPublic(world.sign(publicMessage, leafIndex, removal, "aad"), world.epoch.membershipKey);
  };
  const refused = (bytes: Uint8Array, expected: object): void => {
    const before = world.fingerprint();
    expect(() => world.receivePublic(bytes)).toThrow(expect.objectContaining(expected));
    expect(world.fingerprint()).toBe(before);
  };
  const decoded = (bytes: Uint8Array) => (decode(MLSMessage, bytes) as { publicMessage: PublicMessage }).publicMessage;
  const encoded = (message: PublicMessage) => {
    return encode(MLSMessage, { version: 1, wireFormat: publicMessage, publicMessage: message });
  };

  test("what a member sends is received, and both keep the same AuthenticatedContent", () => {
    const { bytes, message } = sent();
    const received = world.receivePublic(bytes);
    expect(received.content).toEqual(message.content);
    expect(received.encode()).toEqual(message.encode());
    const { wireFormat, content, auth } = received;
    expect(encode(AuthenticatedContent, { wireFormat, content, auth })).toEqual(message.encode());
    expect(encoded(decoded(bytes))).toEqual(bytes);
  });

  test("a commit carries its confirmation tag under the membership tag", () => {
    const tag = Buffer.alloc(world.suite.Nh, 9);
    const { bytes } = protectPublic(world.sign(publicMessage, 1, emptyCommit), world.epoch.membershipKey, tag);
    expect(Buffer.from(world.receivePublic(bytes).auth.confirmationTag!)).toEqual(tag);
    const message = decoded(bytes);
    const auth = { ...message.auth, confirmationTag: Buffer.alloc(world.suite.Nh, 8) };
    refused(encoded({ ...message, auth }), { rule: "6.2/membership-tag" });
  });

  test("6.2/membership-tag", () => {
    const message = decoded(sent().bytes);
    const tag = Buffer.from(message.membershipTag!);
    const changed = Buffer.from(tag);
    changed[changed.byteLength - 1]! ^= 1;
    const wrong: Uint8Array[] = [
      Buffer.alloc(0),
      tag.subarray(0, 1),
      tag.subarray(0, 16),
      tag.subarray(0, -1),
      changed,
    ];
    wrong.push(Buffer.concat([tag, Buffer.alloc(1)]), world.suite.mac(world.epoch.exporterSecret, tag));
    for (const membershipTag of wrong) refused(encoded({ ...message, membershipTag }), { rule: "6.2/membership-tag" });
    const authenticatedData = Buffer.from("other");
    const content = { ...message.content, authenticatedData };
    refused(encoded({ ...message, content }), { rule: "6.2/membership-tag" });
  });

  test("an observer checks what it can: the signature, not the tag", () => {
    const { bytes } = sent();
    const message = decoded(bytes);
    const open = (publicMessage: PublicMessage, membership: Membership) => {
      return openPublic(world.context, publicMessage, encoded(publicMessage), membership);
    };
    expect(open(message, "observer").content).toEqual(message.content);
    expect(() => open({ ...message, membershipTag: Buffer.alloc(0) }, "observer")).toThrow(
      expect.objectContaining({ rule: "6.2/membership-tag" }),
    );
  });

  test("6.1/signature", () => {
    const { membershipKey } = world.epoch;
    const honest = world.sign(publicMessage, 0, removal);
    const forgeries = [
      world.forge(publicMessage, member(0), removal, keyOf(1)), // by another member
      { ...honest, signature: Buffer.alloc(0) },
      { ...honest, signature: honest.signature.subarray(1) },
      { ...honest, signature: world.sign(publicMessage, 0, removal, "other").signature },
      { ...honest, signature: world.sign(WireFormat.mlsPrivateMessage, 0, removal).signature },
    ];
    for (const forged of forgeries) refused(protectPublic(forged, membershipKey).bytes, { rule: "6.1/signature" });
    const byOutsider = world.forge(publicMessage, external, removal, keyOf(0));
    refused(protectPublic(byOutsider, undefined).bytes, { rule: "6.1/signature" });
  });

  test("6.1/sender-key", () => {
    const { membershipKey } = world.epoch;
    for (const leafIndex of [3, 4, 0xffffffff]) {
      const forged = world.forge(publicMessage, member(leafIndex), removal, keyOf(0));
      refused(protectPublic(forged, membershipKey).bytes, { rule: "6.1/sender-key" });
    }
    const unknown = { ...external, senderIndex: 1 };
    const forged = world.forge(publicMessage, unknown, removal, world.externalSender);
    refused(protectPublic(forged, undefined).bytes, { rule: "6.1/sender-key" });
  });

  test("6/application-private", () => {
    const forged = world.forge(publicMessage, member(0), application("in the clear"), keyOf(0));
    refused(protectPublic(forged, world.epoch.membershipKey).bytes, { rule: "6/application-private" });
  });

  test("6.1/external-content", () => {
    const { membershipKey } = world.epoch;
    const byExternal = (body: Parameters<World["forge"]>[2], tag?: Buffer) => {
      return protectPublic(world.forge(publicMessage, external, body, world.externalSender), membershipKey, tag).bytes;
    };
    expect(world.receivePublic(byExternal(removal)).content.sender).toEqual(external);
    const tag = Buffer.alloc(world.suite.Nh);
    const wrong = [
      byExternal(emptyCommit, tag),
      byExternal(proposal({ proposalType: 6, kemOutput: Buffer.alloc(1) })),
      byExternal(proposal({ proposalType: 0xf000 as never, data: Buffer.alloc(1) })),
    ];
    for (const bytes of wrong) refused(bytes, { rule: "6.1/external-content", code: "malformed" });
    const custom = decoded(wrong[2]!);
    const mayComeFromExternalSender = (type: number): boolean => type === 0xf000;
    expect(
      openPublic(world.context, custom, wrong[2]!, { membershipKey }, { mayComeFromExternalSender }).content.sender,
    ).toEqual(external);
  });

  test("a new member signs with the key that it brings along", () => {
    const leafNode = {
      encryptionKey: Buffer.alloc(32),
      signatureKey: keyOf(2).publicKey,
      credential: { credentialType: 1, identity: Buffer.from("new") },
      capabilities: { versions: [], cipherSuites: [], extensions: [], proposals: [], credentials: [] },
      leafNodeSource: 1,
      lifetime: { notBefore: 0n, notAfter: 1n },
      extensions: [],
      signature: Buffer.alloc(1),
    } as const;
    const keyPackage = {
      version: 1,
      cipherSuite: id,
      initKey: Buffer.alloc(32),
      leafNode,
      extensions: [],
      signature: leafNode.signature,
    } as const;
    const add = proposal({ proposalType: 1, keyPackage });
    const commit = {
      contentType: ContentType.commit,
      commit: { proposals: [], path: { leafNode, nodes: [] } },
    } as const;
    const tag = Buffer.alloc(world.suite.Nh);
    for (const by of [2, 0]) {
      const messages = [
        protectPublic(world.forge(publicMessage, newMemberProposal, add, keyOf(by)), undefined).bytes,
        protectPublic(world.forge(publicMessage, newMemberCommit, commit, keyOf(by)), undefined, tag).bytes,
      ];
      for (const bytes of messages) {
        if (by === 2) expect(world.receivePublic(bytes).signature.byteLength).toBeGreaterThan(0);
        else refused(bytes, { rule: "6.1/signature" });
      }
    }
  });

  test("one who does not know the GroupContext can propose from outside, and nothing else", () => {
    const outside = new FramingContext(world.suite, world.context.groupId, world.context.epoch);
    const signed = world.forge(publicMessage, external, removal, world.externalSender, outside);
    expect(world.receivePublic(protectPublic(signed, undefined).bytes).content.sender).toEqual(external);
    expect(() => world.forge(publicMessage, member(0), removal, keyOf(0), outside)).toThrow(
      expect.objectContaining({ code: "usage" }),
    );
  });

  test("6.1/new-member-proposal-content and 6.1/new-member-commit-content", () => {
    const tag = Buffer.alloc(world.suite.Nh);
    const forge = (sender: typeof newMemberProposal | typeof newMemberCommit, body: Parameters<World["forge"]>[2]) => {
      const signed = world.forge(publicMessage, sender, body, keyOf(0));
      return protectPublic(signed, undefined, body === emptyCommit ? tag : undefined).bytes;
    };
    refused(forge(newMemberProposal, removal), { rule: "6.1/new-member-proposal-content" });
    refused(forge(newMemberProposal, emptyCommit), { rule: "6.1/new-member-proposal-content" });
    refused(forge(newMemberCommit, removal), { rule: "6.1/new-member-commit-content" });
    refused(forge(newMemberCommit, emptyCommit), { rule: "6.1/new-member-commit-content" });
  });
});
