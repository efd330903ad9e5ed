/** RFC 9420 §2.1: octets that no strict decoder takes, where a lax sender signed them as they are. */
import { test } from "@jest/globals";
import { ExternalPub, ExtensionType } from "#dist/mls/objects/index.js";
import { encode } from "tinymls/messages";
import { proveRefusal } from "../../forge/proof.js";
import { claim, forEachWorld, refusals, type Refusal } from "../../forge/refusals.js";
import { add, contextExtensions, remove, type World } from "../../forge/world.js";
import { keyPackageIn } from "../../forge/welcome.js";

type Change = (encoded: Buffer) => Buffer;

const asPrivate = { wireFormat: 2 } as const;
const octet = Buffer.alloc(1);
const empty = contextExtensions([]);
const longer: Change = (bytes) => Buffer.concat([bytes, octet]);

/** The first vector with its length in a header of `size` octets. */
const headerOf =
  (size: 2 | 4, from: 1 | 2 = 1): Change =>
  (encoded) => {
    const length = from === 1 ? encoded[0]! & 0x3f : encoded.readUInt16BE(0) & 0x3fff;
    const header = Buffer.alloc(size);
    if (size === 2) header.writeUInt16BE(0x4000 | length);
    else header.writeUInt32BE(0x80000000 + length);
    return Buffer.concat([header, encoded.subarray(from)]);
  };
const at =
  (index: number, value: number): Change =>
  (encoded) => {
    const changed = Buffer.from(encoded);
    changed[index < 0 ? changed.length + index : index] = value;
    return changed;
  };

const ofApplication = (rule: Refusal[0], what: string, data: string, body: Change): Refusal => [
  rule,
  `application data with ${what}`,
  (w) => w.application(data, { body }),
  "malformed",
];
/** A proposal, as a PublicMessage and a PrivateMessage. */
const ofProposal = (rule: Refusal[0], what: string, body: Change): Refusal[] => [
  [rule, `a proposal with ${what}`, (w) => w.proposal(empty, { body }), "malformed"],
  [rule, `an encrypted proposal with ${what}`, (w) => w.proposal(empty, { ...asPrivate, body }), "malformed"],
];
const ofCommit = (rule: Refusal[0], what: string, body: Change, withPath = false): Refusal[] => [
  [rule, `a commit with ${what}`, (w) => w.commit([], { body, withPath }), "malformed"],
  [rule, `an encrypted commit with ${what}`, (w) => w.commit([], { ...asPrivate, body, withPath }), "malformed"],
];
/** After the type of a proposal. */
const afterType =
  (change: Change): Change =>
  (encoded) =>
    Buffer.concat([encoded.subarray(0, 2), change(encoded.subarray(2))]);

/** A group context extension of the world, with an octet more in its body. */
const withTail = (type: number) => (w: World) =>
  contextExtensions(
    w.extensions.map((one) =>
      one.extensionType === type ? { ...one, extensionData: longer(Buffer.from(one.extensionData)) } : one,
    ),
  );
const inExtension = (name: string, type: number): Refusal[] => [
  ["2.1/trailing-octets", `an octet more in ${name}`, (w) => w.proposal(withTail(type)(w)), "malformed"],
  ["2.1/trailing-octets", `an octet more in a committed ${name}`, (w) => w.commit([withTail(type)(w)]), "malformed"],
];

refusals([
  ofApplication("2.1.2/minimal-length", "two octets for no length", "", headerOf(2)),
  ofApplication("2.1.2/minimal-length", "two octets for 63", "x".repeat(63), headerOf(2)),
  ofApplication("2.1.2/minimal-length", "four octets for 63", "x".repeat(63), headerOf(4)),
  ofApplication("2.1.2/minimal-length", "four octets for 64", "x".repeat(64), headerOf(4, 2)),
  ofApplication("2.1.2/minimal-length", "four octets for 16,383", "x".repeat(16_383), headerOf(4, 2)),
  ...ofProposal("2.1.2/minimal-length", "two octets for no length", afterType(headerOf(2))),
  ...ofCommit("2.1.2/minimal-length", "four octets for no length", headerOf(4)),
  ofApplication("2.1/encoding", "a length of prefix 3", "x", at(0, 0xc1)),
  ofApplication("2.1/encoding", "more octets announced than there are", "x", () => Buffer.from("7fff78", "hex")),
  ofApplication("2.1/encoding", "the greatest length", "xxxx", () => Buffer.from("bfffffff78", "hex")),
  ...ofProposal("2.1/encoding", "a length of prefix 3", at(2, 0xff)),
  ...ofProposal("2.1/encoding", "type 0", at(1, 0)),
  ...ofCommit("2.1.1/presence-octet", "a path that is 2", at(-1, 2)),
  ...ofCommit("2.1.1/presence-octet", "a path that is 255", at(-1, 255)),
  ...ofCommit("2.1.1/presence-octet", "a path that is there and marked 2", at(1, 2), true),
  ["2.1/trailing-octets", "a PublicMessage and an octet", (w) => longer(w.proposal(remove(3))), "malformed"],
  ["2.1/trailing-octets", "a PrivateMessage and an octet", (w) => longer(w.application("x")), "malformed"],
  ...inExtension("required_capabilities", ExtensionType.requiredCapabilities),
  ...inExtension("external_senders", ExtensionType.externalSenders),
]);

forEachWorld((worldOf) => {
  const trailing = (world: World) => ({ ...claim(world, "2.1/trailing-octets"), code: "malformed" }) as const;

  test("an octet more in what a GroupInfo brings", async () => {
    const world = worldOf();
    const erin = await world.client("erin");
    const ratchetTree = longer(world.bob.epoch.tree.encode());
    const withTree = world.groupInfo({ ratchetTree });
    await proveRefusal(trailing(world), () => erin.joinExternal(withTree));
    const key = encode(ExternalPub, { externalPub: world.bob.epoch.secrets.externalKeyPair.publicKey });
    const extensionData = longer(key);
    const groupInfo = world.groupInfo({
      groupInfo: (info) => ({
        ...info,
        extensions: info.extensions.map((one) =>
          one.extensionType === ExtensionType.externalPub ? { ...one, extensionData } : one,
        ),
      }),
    });
    await proveRefusal(trailing(world), () => erin.joinExternal(groupInfo));
    const whole = longer(world.groupInfo());
    await proveRefusal(trailing(world), () => erin.joinExternal(whole));
  });

  test("an octet more in or after a Welcome", async () => {
    const world = worldOf();
    const erin = await world.client("erin");
    const invited = () => add(keyPackageIn(keyPackage));
    const keyPackage = await erin.createKeyPackage();
    const ratchetTree = (commit: ReturnType<World["commit"]>) => longer(commit.tree.encode());
    const commit = world.commit([invited()]);
    const inside = world.welcome(commit, { ratchetTree: ratchetTree(commit) });
    await proveRefusal(trailing(world), () => erin.joinGroup(inside));
    const whole = longer(world.welcome(commit));
    await proveRefusal(trailing(world), () => erin.joinGroup(whole));
  });
});
