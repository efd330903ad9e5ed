import { expect, test } from "@jest/globals";
import {
  protectPrivate,
  protectPublic,
  senderKey,
  verifyConfirmationTag,
  verifyMessages,
  confirmationTag,
  wireFormatAndContent,
  type AuthenticatedMessage,
} from "#dist/mls/framing/index.js";
import { WireFormat } from "#dist/mls/objects/index.js";
import { cipherSuites } from "#dist/mls/suite/index.js";
import { heldHandles } from "../held-handles.js";
import { application, member, removal, World } from "./world.js";

test.each([...cipherSuites.values()])(
  "$name: a batch is verified whole, applied in order, forgeries apart",
  async ({ id }) => {
    const before = heldHandles();
    const world = new World(id);
    const send = (leafIndex: number, data: string, key = leafIndex): Buffer => {
      const signed = world.forge(
        WireFormat.mlsPrivateMessage,
        member(leafIndex),
        application(data),
        world.signatureKeys[key]!,
      );
      return protectPrivate(signed, world.secrets(leafIndex), "steps").bytes;
    };
    const messages = [send(0, "a"), send(0, "b", 2), send(2, "c"), send(0, "d"), send(2, "e", 0)];
    const batch = [3, 0, 1, 2, 4, 0].map((at) => messages[at]!);
    const opened = batch.map((bytes) => {
      const result = world.openPrivate(1, bytes);
      if (result.kind !== "opened") throw new Error(result.kind);
      return result;
    });
    const items = opened.map(({ message }) => ({ message, publicKey: senderKey(message.content, world.keys) }));
    const verified = await verifyMessages(world.suite, items);
    const outcomes = verified.map((message, index) => {
      const { key } = opened[index]!;
      if (message === undefined) return key.discard() ?? "refused";
      const { content } = message;
      return key.commit() && "applicationData" in content
        ? Buffer.from(content.applicationData).toString()
        : "duplicate";
    });
    expect(outcomes).toEqual(["d", "a", "refused", "c", "refused", "duplicate"]);
    // As one by one: the refused message of generation 1 is still expected, the one after generation 0 is not reached.
    const reached = [...world.trees[1]!.entries()].flatMap((entry) =>
      entry.kind === "ratchet" && entry.type === "application" ? [[entry.leafIndex, entry.generation]] : [],
    );
    expect(reached.sort()).toEqual([
      [0, 3],
      [2, 1],
    ]);
    expect(world.trees[1]!.retained.keys).toBe(1);
    world.dispose();
    expect(heldHandles()).toBe(before);
  },
);

test.each([...cipherSuites.values()])("$name: 6.1/confirmation-tag", ({ id }) => {
  const world = new World(id);
  const { suite, epoch } = world;
  const hash = suite.hash(Buffer.from("transcript"));
  const tag = confirmationTag(suite, epoch.confirmationKey, hash);
  expect(() => verifyConfirmationTag(suite, epoch.confirmationKey, hash, tag)).not.toThrow();
  const changed = Buffer.from(tag);
  changed[0]! ^= 1;
  const before = world.fingerprint();
  for (const wrong of [
    undefined,
    Buffer.alloc(0),
    tag.subarray(0, 1),
    tag.subarray(0, -1),
    changed,
    suite.mac(epoch.membershipKey, hash),
  ]) {
    expect(() => verifyConfirmationTag(suite, epoch.confirmationKey, hash, wrong)).toThrow(
      expect.objectContaining({ rule: "6.1/confirmation-tag", code: "invalid" }),
    );
  }
  expect(world.fingerprint()).toBe(before);
  world.dispose();
});

const covered = (message: AuthenticatedMessage) => Buffer.concat(wireFormatAndContent(message));

test("sender and receiver cover the same octets in the transcript, public and private", () => {
  const world = new World(1);
  const sentPublic = protectPublic(world.sign(WireFormat.mlsPublicMessage, 0, removal), world.epoch.membershipKey);
  expect(covered(world.receivePublic(sentPublic.bytes))).toEqual(covered(sentPublic.message));
  const sentPrivate = protectPrivate(world.sign(WireFormat.mlsPrivateMessage, 0, removal), world.secrets(0), "none");
  const opened = world.openPrivate(1, sentPrivate.bytes);
  if (opened.kind !== "opened") throw new Error(opened.kind);
  expect(covered(opened.message)).toEqual(covered(sentPrivate.message));
  expect(opened.message.encode()).toEqual(sentPrivate.message.encode());
  opened.key.discard();
  world.dispose();
});
