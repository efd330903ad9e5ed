// Who starts from a GroupInfo asks the application about every member, of which there are several batches of signatures.
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { Client, PublicGroup, type AuthenticationService } from "tinymls";

const members = 32 + 64 + 128 + 1;
let clients: Client[];
let groupInfo: Buffer;

beforeAll(async () => {
  clients = await Promise.all(Array.from({ length: members }, (_, i) => Client.create({ identity: `member ${i}` })));
  const [first, ...others] = clients as [Client, ...Client[]];
  const group = await first.createGroup();
  const founding = await group.commit({ add: await Promise.all(others.map((client) => client.createKeyPackage())) });
  await founding.confirm();
  groupInfo = await group.groupInfo();
});

afterAll(() => Promise.all(clients.map((client) => client.close())));

/** Answers at once or with a promise, and notes about whom it was asked. */
function asking(refused?: number): { asked: string[]; authentication: AuthenticationService } {
  const asked: string[] = [];
  let waiting = 0;
  const authentication: AuthenticationService = {
    validateCredential: (credential) => {
      expect(waiting).toBe(0);
      const { identity } = credential as { identity: Uint8Array };
      const trusted = asked.push(Buffer.from(identity).toString()) - 1 !== refused;
      if (asked.length % 3 === 0) return trusted;
      waiting++;
      return new Promise((resolve) => setImmediate(() => resolve((waiting--, trusted))));
    },
    isValidSuccessor: () => true,
  };
  return { asked, authentication };
}

const everyone = Array.from({ length: members }, (_, i) => `member ${i}`);

test("each member is asked about once, in the order of the tree, one after the other", async () => {
  const { asked, authentication } = asking();
  await PublicGroup.fromGroupInfo(groupInfo, { authentication });
  expect(asked).toEqual(everyone);
});

test("a member who is not trusted ends it, wherever the leaf is", async () => {
  for (const refused of [0, 31, 32, 100, members - 1]) {
    const { asked, authentication } = asking(refused);
    const refusal = { code: "invalid", rule: "5.3.1/credential" };
    await expect(PublicGroup.fromGroupInfo(groupInfo, { authentication })).rejects.toMatchObject(refusal);
    expect(asked).toEqual(everyone.slice(0, refused + 1));
  }
});

test("nobody is asked about a group whose GroupInfo does not hold, then or later", async () => {
  const forged = Buffer.from(groupInfo);
  forged[forged.length - 1]! ^= 1;
  const { asked, authentication } = asking();
  const refusal = { code: "invalid", rule: "12.4.3/group-info-signature" };
  await expect(PublicGroup.fromGroupInfo(forged, { authentication })).rejects.toMatchObject(refusal);
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(asked).toEqual([]);
});
