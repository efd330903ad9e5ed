// Members of a group share a Context: frames of one are opened by the others, within the epoch and label, and by no one else.
import { expect, test } from "@jest/globals";
import { Client, CipherSuite, FRAME_OVERHEAD } from "tinymls";
import { heldHandles } from "../held-handles.js";

test.each(Object.entries(CipherSuite))("%s: two members exchange frames", async (_, cipherSuite) => {
  const handles = heldHandles();
  const [alice, bob] = await Promise.all([
    Client.create({ identity: "alice", cipherSuite }),
    Client.create({ identity: "bob", cipherSuite }),
  ]);
  const a = await alice.createGroup();
  const pending = await a.commit({ add: [await bob.createKeyPackage()] });
  await pending.confirm();
  const b = await bob.joinGroup(pending.welcome!);

  const [ours, theirs, other] = [a.openContext("files"), b.openContext("files"), b.openContext("calls")];
  for (let i = 0; i < 50; i++) {
    const frame = ours.encrypt(`part ${i}`, { aad: Buffer.from("name") });
    expect(frame).toHaveLength(`part ${i}`.length + FRAME_OVERHEAD);
    expect(theirs.decrypt(frame, { aad: Buffer.from("name") }).toString()).toBe(`part ${i}`);
    expect(() => other.decrypt(frame, { aad: Buffer.from("name") })).toThrow(
      expect.objectContaining({ component: "context" }),
    );
  }
  expect(ours.decrypt(theirs.encrypt("back")).toString()).toBe("back");

  const next = await b.commit({ update: true });
  await next.confirm();
  await a.receiveMessage(next.commit);
  const [oursNext, theirsNext] = [a.openContext("files"), b.openContext("files")];
  const frame = oursNext.encrypt("new epoch");
  expect(() => theirs.decrypt(frame)).toThrow();
  expect(theirsNext.decrypt(frame).toString()).toBe("new epoch");
  // A Context lives on when its epoch, the group and the client are gone.
  await Promise.all([alice.close(), bob.close()]);
  expect(ours.decrypt(theirs.encrypt("still there")).toString()).toBe("still there");
  for (const context of [ours, theirs, other, oursNext, theirsNext]) context.close();
  expect(() => a.openContext("files")).toThrow(expect.objectContaining({ code: "closed" }));
  expect(heldHandles()).toBe(handles);
});
