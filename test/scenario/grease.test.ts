import { expect, test } from "@jest/globals";
import { Client } from "tinymls";
import { decode, greaseValues, MLSMessage } from "tinymls/messages";

test("values that others have to ignore stand where RFC 9420 §13.5 wants them, and nowhere else", async () => {
  const client = await Client.create({ identity: "alice" });
  const message = decode(MLSMessage, await client.createKeyPackage());
  if (!("keyPackage" in message)) throw new Error("no key package");
  const { leafNode, extensions } = message.keyPackage;
  const { versions, cipherSuites, proposals, credentials } = leafNode.capabilities;
  const grease = (list: readonly number[]): number[] => list.filter((value) => greaseValues.includes(value));
  expect(versions).toEqual([1]);
  for (const list of [cipherSuites, leafNode.capabilities.extensions, proposals, credentials]) {
    expect(grease(list)).toHaveLength(1);
  }
  expect(grease(extensions.map(({ extensionType }) => extensionType))).toHaveLength(1);
  await client.close();
});
