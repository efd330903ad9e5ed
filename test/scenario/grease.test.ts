// RFC 9420 §13.5: values that others have to ignore, where they may stand, and where they are refused as any value that is not supported.
import { afterEach, describe, expect, test } from "@jest/globals";
import { CipherSuite, Client, requiredCapabilitiesExtension, type Group } from "tinymls";
import { decode, greaseValues, MLSMessage, NodeType, RatchetTree, type Capabilities } from "tinymls/messages";

const clients: Client[] = [];

afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
});

async function clientOf(identity: string, cipherSuite: CipherSuite = 1): Promise<Client> {
  const client = await Client.create({ identity, cipherSuite });
  clients.push(client);
  return client;
}

const grease = (list: readonly number[]): number[] => list.filter((value) => greaseValues.includes(value));

function capabilitiesOf(group: Group): Capabilities {
  const node = decode(RatchetTree, group.ratchetTree())[group.ownLeafIndex * 2]!;
  if (node.nodeType !== NodeType.leaf) throw new Error("no leaf");
  return node.leafNode.capabilities;
}

test("they stand in key packages where RFC 9420 wants them, and nowhere else", async () => {
  const client = await clientOf("alice");
  const message = decode(MLSMessage, await client.createKeyPackage());
  if (!("keyPackage" in message)) throw new Error("no key package");
  const { leafNode, extensions } = message.keyPackage;
  const { versions, cipherSuites, proposals, credentials } = leafNode.capabilities;
  expect(versions).toEqual([1]);
  for (const list of [cipherSuites, leafNode.capabilities.extensions, proposals, credentials]) {
    expect(grease(list)).toHaveLength(1);
  }
  expect(grease(extensions.map(({ extensionType }) => extensionType))).toHaveLength(1);
});

test.each(Object.values(CipherSuite))(
  "suite %i: in key packages, leaves and GroupInfos they are ignored by whoever joins and receives",
  async (suite) => {
    const [alice, bob, carol] = [
      await clientOf("alice", suite),
      await clientOf("bob", suite),
      await clientOf("c", suite),
    ];
    const a = await alice.createGroup();
    const adding = await a.commit({ add: [await bob.createKeyPackage()] });
    await adding.confirm();
    const b = await bob.joinGroup(adding.welcome!);
    for (const group of [a, b]) expect(grease(capabilitiesOf(group).extensions)).toHaveLength(1);
    const groupInfo = await a.groupInfo();
    const message = decode(MLSMessage, groupInfo);
    if (!("groupInfo" in message)) throw new Error("no GroupInfo");
    expect(grease(message.groupInfo.extensions.map(({ extensionType }) => extensionType))).toHaveLength(1);
    const { commit } = await carol.joinExternal(groupInfo);
    for (const group of [a, b]) expect(await group.receiveMessage(commit)).toMatchObject({ kind: "commit" });
  },
);

describe("what a member lists as GREASE it does not support", () => {
  test("as a proposal, as an extension of the group, as something that the group requires", async () => {
    const alice = await clientOf("alice");
    const a = await alice.createGroup();
    const { extensions, proposals } = capabilitiesOf(a);
    const [extensionType] = grease(extensions) as [number];
    const [proposalType] = grease(proposals) as [number];
    const data = Buffer.of(1);
    await expect(a.commit({ custom: [{ type: proposalType, data }] })).rejects.toMatchObject({
      rule: "12.2/type-supported",
    });
    await expect(a.commit({ extensions: [{ extensionType, extensionData: data } as never] })).rejects.toMatchObject({
      rule: "13.4/group-extensions-listed",
    });
    const required = { extensionTypes: [extensionType], proposalTypes: [], credentialTypes: [] };
    await expect(a.commit({ extensions: [requiredCapabilitiesExtension(required)] })).rejects.toMatchObject({
      rule: "7.3/required-capabilities",
    });
    expect(a.pendingCommit).toBeUndefined();
  });

  test("nor does it begin a group with them", async () => {
    const alice = await clientOf("alice");
    const begun = await Promise.allSettled(
      greaseValues.map((extensionType) =>
        alice.createGroup({ extensions: [{ extensionType, extensionData: Buffer.of(1) } as never] }),
      ),
    );
    expect(begun.map(({ status }) => status)).toEqual(greaseValues.map(() => "rejected"));
  });
});
