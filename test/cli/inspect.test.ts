import { afterAll, describe, expect, test } from "@jest/globals";
import { readFileSync, writeFileSync } from "node:fs";
import { Client } from "tinymls";
import {
  CipherSuite,
  decode,
  describe as describeBytes,
  encode,
  ExtensionType,
  GroupInfo,
  LeafNodeSource,
  MLSMessage,
  NodeType,
  RatchetTree,
  toJSON,
  WireFormat,
} from "tinymls/messages";
import { folder, oneLine, tinymls } from "./command.js";

const { path, clean } = folder();
afterAll(clean);

const leaf = (name: string) => ({
  nodeType: NodeType.leaf,
  leafNode: {
    encryptionKey: Buffer.alloc(32, 1),
    signatureKey: Buffer.alloc(32, 2),
    credential: { credentialType: 1 as const, identity: Buffer.from(name) },
    capabilities: { versions: [1], cipherSuites: [1], extensions: [], proposals: [], credentials: [1] },
    leafNodeSource: LeafNodeSource.update,
    extensions: [],
    signature: Buffer.alloc(64, 3),
  },
});
const tree = encode(RatchetTree, [leaf("alice"), null, leaf("bob")] as never);
const groupInfo = (withTree: boolean) => ({
  groupContext: {
    version: 1,
    cipherSuite: CipherSuite.MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519,
    groupId: Buffer.from("the group"),
    epoch: 7n,
    treeHash: Buffer.alloc(32),
    confirmedTranscriptHash: Buffer.alloc(32),
    extensions: [],
  },
  extensions: withTree ? [{ extensionType: ExtensionType.ratchetTree, extensionData: tree }] : [],
  confirmationTag: Buffer.alloc(32),
  signer: 0,
  signature: Buffer.alloc(64),
});
const message = Buffer.from(
  encode(MLSMessage, { version: 1, wireFormat: WireFormat.mlsGroupInfo, groupInfo: groupInfo(true) } as never),
);

/** One of each wire format (RFC 9420 §17.2), of a real group. */
async function realMessages(): Promise<Record<keyof typeof WireFormat, Buffer>> {
  const [alice, bob] = [await Client.create({ identity: "alice" }), await Client.create({ identity: "bob" })];
  const group = await alice.createGroup({ handshake: "public" });
  const mlsKeyPackage = await bob.createKeyPackage();
  const pending = await group.commit({ add: [mlsKeyPackage] });
  await pending.confirm();
  const messages = {
    mlsPublicMessage: pending.commit,
    mlsPrivateMessage: await group.sendMessage("secret words"),
    mlsWelcome: pending.welcome!,
    mlsGroupInfo: await group.groupInfo(),
    mlsKeyPackage,
  };
  await Promise.all([alice.close(), bob.close()]);
  return messages;
}

describe("inspect", () => {
  test("every kind of message, as the package makes it; and decode, encode, toJSON and describe of it", async () => {
    const messages = await realMessages();
    expect(Object.keys(messages).sort()).toEqual(Object.keys(WireFormat).sort());
    for (const [kind, input] of Object.entries(messages)) {
      const told = await tinymls(["inspect", "-"], { input });
      expect(told).toMatchObject({ code: 0, stderr: "" });
      expect(told.stdout.toString()).toBe(`${describeBytes(input)}\n`);
      expect(told.stdout.toString()).toMatch(new RegExp(`^MLSMessage ${kind}, ${input.length} octets\n`));
      const value = decode(MLSMessage, input);
      expect(encode(MLSMessage, value)).toEqual(input);
      const json: unknown = JSON.parse(JSON.stringify(toJSON(MLSMessage, value)));
      expect(json).toMatchObject({ version: "mls10", wireFormat: kind });
    }
  });

  const wrapped = message.toString("base64").replace(/(.{64})/g, "$1\n");
  test.each([
    ["binary", message],
    ["hexadecimal", message.toString("hex")],
    ["hexadecimal in capitals, with 0x and a line break", `0x${message.toString("hex").toUpperCase()}\n`],
    ["base64 in lines", `${wrapped}\n`],
    ["base64url", message.toString("base64url")],
  ])("%s input", async (_, input) => {
    const told = await tinymls(["inspect", "-"], { input });
    expect(told).toMatchObject({ code: 0, stderr: "" });
    expect(told.stdout.toString()).toMatch(/^MLSMessage .*GroupInfo, \d+ octets\n/);
    expect(told.stdout.toString()).toContain('"the group"');
  });

  test("draws the tree in a GroupInfo, wrapped or bare, and one that stands alone", async () => {
    const inputs = { message, bare: encode(GroupInfo, groupInfo(true) as never), tree };
    for (const [name, input] of Object.entries(inputs)) {
      writeFileSync(path(name), input);
      const drawn = await tinymls(["inspect", path(name), "--svg", path(`${name}.svg`)]);
      expect(drawn).toMatchObject({ code: 0, stderr: "" });
      const svg = readFileSync(path(`${name}.svg`), "utf8");
      expect(svg).toMatch(/^<svg [^]*alice[^]*bob[^]*<\/svg>\n$/);
      const piped = await tinymls(["inspect", path(name), "--svg", "-"]);
      expect(piped.stdout.toString()).toBe(svg);
    }
  });

  test.each([
    ["nothing", "", /is empty/],
    ["text", "this is no message", /no MLS message/],
    ["a message cut short", message.subarray(0, 100), /no MLS message/],
  ])("%s is refused", async (_, input, reason) => {
    const refused = await tinymls(["inspect", "-"], { input });
    expect(refused).toMatchObject({ code: 1, stdout: Buffer.alloc(0) });
    expect(refused.stderr).toMatch(oneLine);
    expect(refused.stderr).toMatch(reason);
  });

  test("where there is no tree none is drawn", async () => {
    const input = encode(GroupInfo, groupInfo(false) as never);
    const refused = await tinymls(["inspect", "-", "--svg", path("none.svg")], { input });
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/holds no ratchet tree/);
    expect(() => readFileSync(path("none.svg"))).toThrow(/ENOENT/);
  });
});
