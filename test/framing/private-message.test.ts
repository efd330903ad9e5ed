import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { decode, encode, lengthHeader } from "#dist/codec/index.js";
import { contentBody } from "#dist/mls/framing/content.js";
import { encodeAuth } from "#dist/mls/framing/authenticated-message.js";
import { openSenderData, sealSenderData } from "#dist/mls/framing/sender-data.js";
import { protectPrivate, type SignedContent } from "#dist/mls/framing/index.js";
import {
  ContentType,
  MLSMessage,
  PrivateContentAAD,
  SenderDataAAD,
  SenderType,
  WireFormat,
  type PrivateMessage,
} from "#dist/mls/objects/index.js";
import { cipherSuites } from "#dist/mls/suite/index.js";
import { Secret } from "#dist/native/secret.js";
import { heldHandles } from "../held-handles.js";
import { withKey } from "../schedule/message-key.js";
import { application, emptyCommit, member, removal, World } from "./world.js";

const privateMessage = WireFormat.mlsPrivateMessage;
const decoded = (bytes: Uint8Array) => (decode(MLSMessage, bytes) as { privateMessage: PrivateMessage }).privateMessage;
const encoded = (message: PrivateMessage) => {
  return encode(MLSMessage, { version: 1, wireFormat: privateMessage, privateMessage: message });
};

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

  const send = (leafIndex: number, data: string): Buffer => {
    const signed = world.sign(privateMessage, leafIndex, application(data), "aad");
    return protectPrivate(signed, world.secrets(leafIndex), "steps").bytes;
  };
  const refused = (bytes: Uint8Array, expected: object): void => {
    const before = world.fingerprint();
    expect(() => world.receivePrivate(1, bytes)).toThrow(expect.objectContaining(expected));
    expect(world.fingerprint()).toBe(before);
  };
  interface Forged {
    readonly signed: SignedContent;
    readonly leafIndex?: number;
    readonly generation?: number;
    readonly plaintext?: (body: Buffer, auth: Buffer) => Buffer;
    readonly sampleLength?: number;
  }
  /** What an insider can send: any plaintext, encrypted as member 0 would do it, under any claim of who sends it. */
  const forge = ({ signed, leafIndex = 0, generation = 0, plaintext, sampleLength }: Forged): Buffer => {
    const { suite, context, epoch, trees } = world;
    const { contentType, authenticatedData } = signed.content;
    const header = { groupId: context.groupId, epoch: context.epoch, contentType };
    const auth = encodeAuth(signed.signature, contentType === ContentType.commit ? Buffer.alloc(suite.Nh) : undefined);
    const content =
      plaintext?.(contentBody(signed.content), auth) ?? Buffer.concat([contentBody(signed.content), auth]);
    const reuseGuard = Buffer.from("0a0b0c0d", "hex");
    const key = trees[2]!.peek(
      0,
      contentType === ContentType.application ? "application" : "handshake",
      generation % 8,
    );
    if (typeof key === "string") throw new Error(key);
    const aad = encode(PrivateContentAAD, { ...header, authenticatedData });
    const ciphertext = withKey(suite, key, (...held) => suite.seal(...held, aad, content, reuseGuard));
    key.discard();
    const sample = ciphertext.subarray(0, sampleLength);
    const claimed = { leafIndex, generation, reuseGuard };
    const dataAad = encode(SenderDataAAD, header);
    const encryptedSenderData = sealSenderData(suite, epoch.senderDataSecret, sample, dataAad, claimed);
    return encoded({ ...header, authenticatedData, encryptedSenderData, ciphertext });
  };
  const signed = (data = "forged") => world.sign(privateMessage, 0, application(data));

  test("what a member sends is received, in any order, once", () => {
    const messages = ["a", "b", "c", "d"].map((data) => send(0, data));
    expect([2, 0, 3, 1, 0, 2].map((at) => world.receivePrivate(1, messages[at]!))).toEqual([
      "c",
      "a",
      "d",
      "b",
      "duplicate",
      "duplicate",
    ]);
    expect(encoded(decoded(messages[0]!))).toEqual(messages[0]);
    expect(world.receivePrivate(0, messages[0]!)).toBe("own");
    expect(world.receivePrivate(0, send(1, "from leaf 1"))).toBe("from leaf 1");
    const tag = Buffer.alloc(world.suite.Nh, 3);
    const commit = world.sign(privateMessage, 0, emptyCommit);
    expect(world.receivePrivate(1, protectPrivate(commit, world.secrets(0), "none", tag).bytes)).toBe("handshake");
  });

  test("a forged message is what an honest one would be", () => {
    expect(world.receivePrivate(1, forge({ signed: signed() }))).toBe("forged");
  });

  test("equal messages differ on the wire, and a reused generation does not repeat a nonce", () => {
    const [first, second] = [send(0, "same"), send(0, "same")].map(decoded);
    expect(first!.ciphertext).not.toEqual(second!.ciphertext);
    expect(first!.encryptedSenderData).not.toEqual(second!.encryptedSenderData);
  });

  test("6.3/decryption: no octet can be changed", () => {
    const message = decoded(send(0, "x"));
    const changed = (bytes: Uint8Array, at: number): Buffer => {
      const out = Buffer.from(bytes);
      out[at]! ^= 0x80;
      return out;
    };
    const rule = { rule: "6.3/decryption", code: "undecryptable" };
    const { ciphertext, encryptedSenderData, authenticatedData } = message;
    for (const at of [0, 1, world.suite.Nh - 1, world.suite.Nh, ciphertext.byteLength - 1]) {
      refused(encoded({ ...message, ciphertext: changed(ciphertext, at) }), rule);
    }
    for (const at of [0, 11, 12, 27]) {
      refused(encoded({ ...message, encryptedSenderData: changed(encryptedSenderData, at) }), rule);
    }
    refused(encoded({ ...message, authenticatedData: changed(authenticatedData, 0) }), rule);
    refused(encoded({ ...message, contentType: ContentType.proposal }), rule);
    for (const length of [0, 1, 15, 16]) {
      refused(encoded({ ...message, ciphertext: ciphertext.subarray(0, length) }), rule);
      refused(encoded({ ...message, encryptedSenderData: encryptedSenderData.subarray(0, length) }), rule);
    }
  });

  test("6.3/decryption: the key of the sender data comes from KDF.Nh octets of ciphertext", () => {
    const { Nh } = world.suite;
    expect(world.receivePrivate(1, forge({ signed: signed(), sampleLength: Nh }))).toBe("forged");
    for (const sampleLength of [16, Nh - 1])
      refused(forge({ signed: signed(), generation: 1, sampleLength }), { rule: "6.3/decryption" });
    const [secret, ciphertext] = [Secret.random(Nh), Buffer.alloc(Nh + 5, 1)];
    const claimed = { leafIndex: 0, generation: 0, reuseGuard: Buffer.alloc(4) };
    const sealed = sealSenderData(world.suite, secret, ciphertext, Buffer.alloc(0), claimed);
    const opens = (sample: Buffer) =>
      openSenderData(world.suite, secret, sample, Buffer.alloc(0), sealed) !== undefined;
    expect([ciphertext, ciphertext.subarray(0, Nh), ciphertext.subarray(0, Nh - 1)].map(opens)).toEqual([
      true,
      true,
      false,
    ]);
    secret.dispose();
  });

  test("6.3/decryption: a forged claim costs bounded work and moves no ratchet", () => {
    for (const [leafIndex, generation] of [
      [2, 0],
      [0, 9],
      [2, 9_999],
    ] as const) {
      refused(forge({ signed: signed(), leafIndex, generation }), { rule: "6.3/decryption" });
    }
  });

  test("6.3.2/sender-leaf: blank and absent leaves, and leaf 0 is a leaf", () => {
    for (const leafIndex of [3, 4, 0x80000000, 0xffffffff]) {
      refused(forge({ signed: signed(), leafIndex }), { rule: "6.3.2/sender-leaf" });
    }
    expect(world.receivePrivate(1, send(0, "zero"))).toBe("zero");
  });

  test("6.3.1/padding-zero", () => {
    for (const padding of ["01", "0001", "80000000", "00000000000000ff"]) {
      const plaintext = (body: Buffer, auth: Buffer): Buffer =>
        Buffer.concat([body, auth, Buffer.from(padding, "hex")]);
      refused(forge({ signed: signed(), plaintext }), { rule: "6.3.1/padding-zero", code: "malformed" });
    }
    const plaintext = (body: Buffer, auth: Buffer): Buffer => Buffer.concat([body, auth, Buffer.alloc(1000)]);
    expect(world.receivePrivate(1, forge({ signed: signed(), plaintext }))).toBe("forged");
  });

  test("content that cannot be read is malformed", () => {
    const wrong = [
      () => Buffer.alloc(0),
      (body: Buffer) => body,
      (body: Buffer, auth: Buffer) => Buffer.concat([body, auth.subarray(0, -1)]),
      (body: Buffer, auth: Buffer) => Buffer.concat([Buffer.from([0xff]), body, auth]),
      (_: Buffer, auth: Buffer) => Buffer.concat([lengthHeader(auth.byteLength + 1), auth]),
    ];
    for (const plaintext of wrong) refused(forge({ signed: signed(), plaintext }), { code: "malformed" });
  });

  test("6.1/signature: a member speaks for itself alone", () => {
    const body = application("not mine");
    const byAnother = world.forge(privateMessage, member(0), body, world.signatureKeys[2]!);
    refused(forge({ signed: byAnother }), { rule: "6.1/signature" });
    const asPublic = world.forge(WireFormat.mlsPublicMessage, member(0), body, world.signatureKeys[0]!);
    refused(forge({ signed: asPublic }), { rule: "6.1/signature" });
    const ofLeaf1 = world.forge(privateMessage, member(1), body, world.signatureKeys[0]!);
    refused(forge({ signed: ofLeaf1 }), { rule: "6.1/signature" });
    refused(forge({ signed: { ...signed(), signature: Buffer.alloc(0) } }), { rule: "6.1/signature" });
    const proposal = { ...world.sign(privateMessage, 0, removal), signature: signed().signature };
    refused(forge({ signed: proposal }), { rule: "6.1/signature" });
  });

  test("15.3/forward-distance, and generations whose keys are erased", () => {
    const strict = new World(id, { maxForwardDistance: 4, maxSkippedKeys: 1 });
    const messages = Array.from({ length: 6 }, (_, index) => {
      const content = strict.sign(privateMessage, 0, application(`${index}`));
      return protectPrivate(content, strict.secrets(0), "none").bytes;
    });
    const refusedBy = (at: number, rule: string): void => {
      const before = strict.fingerprint();
      expect(() => strict.receivePrivate(1, messages[at]!)).toThrow(expect.objectContaining({ rule }));
      expect(strict.fingerprint()).toBe(before);
    };
    refusedBy(5, "15.3/forward-distance");
    expect(strict.receivePrivate(1, messages[4]!)).toBe("4");
    const before = strict.fingerprint();
    expect(strict.openPrivate(1, messages[0]!)).toEqual({ kind: "stale" });
    expect(strict.fingerprint()).toBe(before);
    expect(strict.receivePrivate(1, messages[3]!)).toBe("3");
    strict.dispose();
  });

  test("a message of another group or epoch is for the caller to sort out", () => {
    const message = decoded(send(0, "x"));
    expect(world.context.place(message)).toBe("here");
    const others = { past: { epoch: 6n }, future: { epoch: 8n }, otherGroup: { groupId: Buffer.from("other") } };
    for (const [place, change] of Object.entries(others)) {
      expect(world.context.place({ ...message, ...change })).toBe(place);
      refused(encoded({ ...message, ...change }), { code: "usage" });
    }
  });

  test("only a member, as itself, can send one; a failed send leaks nothing", () => {
    send(0, "expands the leaf");
    const before = heldHandles();
    const external = { senderType: SenderType.external, senderIndex: 0 } as const;
    const wrong = [
      world.forge(privateMessage, external, removal, world.externalSender),
      world.forge(privateMessage, member(1), removal, world.signatureKeys[1]!),
    ];
    for (const each of wrong) {
      expect(() => protectPrivate(each, world.secrets(0), "none")).toThrow(expect.objectContaining({ code: "usage" }));
    }
    world.trees[0]!.reserve("application", 0);
    expect(() => send(0, "x")).toThrow(expect.objectContaining({ code: "exhausted" }));
    expect(heldHandles()).toBe(before);
  });
});
