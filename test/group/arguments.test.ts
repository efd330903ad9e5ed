// Programs that TypeScript did not check: what is not taken is a typed error that names the argument, and nothing changes.
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { Client, ExternalSender, PublicGroup, TinyMlsError, type Group } from "tinymls";
import { kem } from "tinymls/crypto";
import { heldHandles } from "../held-handles.js";

const values: Record<string, unknown> = {
  undefined,
  null: null,
  number: 5,
  negative: -1,
  fraction: 1.5,
  NaN,
  Infinity,
  text: "text",
  "empty text": "",
  boolean: true,
  object: {},
  list: [],
  "list of numbers": [1],
  "list of objects": [{}],
  symbol: Symbol("s"),
  bigint: 10n,
  function: () => 1,
  octets: Buffer.from("octets"),
  "no octets": new Uint8Array(0),
  ArrayBuffer: new ArrayBuffer(4),
  Float64Array: new Float64Array(2),
  "a key to encrypt to": kem.generateKeyPair("DHKEM-X25519"),
};

const octets = ["octets", "no octets"];
const text = ["text", "empty text"];
const objects = ["object", "function", "ArrayBuffer", "a key to encrypt to", "list of objects"];
const flag = ["boolean"];

let alice: Client;
let stranger: Client;
let group: Group;
let info: Buffer;
let welcome: Buffer;

beforeAll(async () => {
  [alice, stranger] = await Promise.all([Client.create({ identity: "alice" }), Client.create({ identity: "mallory" })]);
  const bob = await Client.create({ identity: "bob" });
  group = await alice.createGroup();
  const pending = await group.commit({ add: [await bob.createKeyPackage()] });
  welcome = pending.welcome!;
  await pending.confirm();
  info = await group.groupInfo();
  await bob.close();
});
afterAll(() => Promise.all([alice.close(), stranger.close()]));

type Call = (value: never) => unknown;

/** An argument, what is done with it, and the values that fit. One that is left out always does, unless it is `needed`. */
type Argument = readonly [name: string, call: Call, fits: readonly string[], needed?: "needed"];

const options = (of: (options: never) => unknown, name: string): Call => {
  return (value: unknown) => of({ [name]: value } as never);
};
const creating = (name: string) => options((given: object) => Client.create({ identity: "x", ...given }), name);
const committing = (name: string) => options((given: object) => group.commit(given), name);

const ofClients: Argument[] = [
  ["Client.create", (value) => Client.create(value), [], "needed"],
  ["identity", creating("identity"), ["octets", "text"], "needed"],
  ["name", creating("name"), text],
  ["credential", creating("credential"), []],
  ["signatureKey", creating("signatureKey"), []],
  ["cipherSuite", creating("cipherSuite"), ["number"]],
  ["authentication", creating("authentication"), []],
  ["retention", creating("retention"), objects],
  ["padding", creating("padding"), []],
  ["handshake", creating("handshake"), []],
  ["customProposals", creating("customProposals"), ["list"]],
  ["leafExtensions", creating("leafExtensions"), ["list"]],
  ["keyPackageLifetimeMs", creating("keyPackageLifetimeMs"), []],
  ["maximumLifetimeMs", creating("maximumLifetimeMs"), ["Infinity"]],
  ["maximumProposals", creating("maximumProposals"), ["number"]],
  ["storage", creating("storage"), []],
  ["leaseMs", creating("leaseMs"), []],
  ["logger", creating("logger"), []],
  ["now", creating("now"), ["function"]],
  ["createKeyPackage", (value) => alice.createKeyPackage(value), objects],
  ["lastResort", options((given) => alice.createKeyPackage(given), "lastResort"), flag],
  ["lifetimeMs", options((given) => alice.createKeyPackage(given), "lifetimeMs"), []],
  ["createGroup", (value) => alice.createGroup(value), objects],
  ["groupId", options((given) => alice.createGroup(given), "groupId"), octets],
  ["extensions", options((given) => alice.createGroup(given), "extensions"), ["list"]],
  ["joinGroup", (value) => stranger.joinGroup(value), [], "needed"],
  ["joinGroup options", (value) => stranger.joinGroup(welcome, value), objects],
  ["joinGroup ratchetTree", options((given) => stranger.joinGroup(welcome, given), "ratchetTree"), octets],
  ["joinExternal", (value) => stranger.joinExternal(value), [], "needed"],
  ["joinExternal options", (value) => stranger.joinExternal(info, value), objects],
  ["resync", options((given) => stranger.joinExternal(info, given), "resync"), flag],
  ["psks", options((given) => stranger.joinExternal(info, given), "psks"), ["list"]],
  ["proposeJoin", (value) => stranger.proposeJoin(value), [], "needed"],
  ["addPsk id", (value) => alice.addPsk(value, Buffer.alloc(32)), [...octets, ...text], "needed"],
  ["addPsk psk", (value) => alice.addPsk("id", value), ["octets"], "needed"],
  ["removePsk", (value) => alice.removePsk(value), [...octets, ...text], "needed"],
  ["loadGroup", (value) => alice.loadGroup(value), octets, "needed"],
];

const ofGroups: Argument[] = [
  ["sendMessage", (value) => group.sendMessage(value), [...octets, ...text], "needed"],
  ["sendMessage options", (value) => group.sendMessage("", value), objects],
  ["authenticatedData", options((given) => group.sendMessage("", given), "authenticatedData"), octets],
  ["receiveMessage", (value) => group.receiveMessage(value), octets, "needed"],
  ["receiveMessages", (value) => group.receiveMessages(value), ["list"], "needed"],
  ["planAdd", (value) => group.planAdd(value), ["list"], "needed"],
  ["commit", (value) => group.commit(value), objects],
  ["add", committing("add"), ["list"]],
  ["remove", committing("remove"), ["list", "list of numbers"]],
  ["update", committing("update"), [...flag, ...objects]],
  ["commit psks", committing("psks"), ["list"]],
  ["commit extensions", committing("extensions"), ["list"]],
  ["custom", committing("custom"), ["list"]],
  ["reinit", committing("reinit"), objects],
  ["proposals", committing("proposals"), [...flag, "list"]],
  ["commit ratchetTree", committing("ratchetTree"), flag],
  ["commit authenticatedData", committing("authenticatedData"), octets],
  ["groupInfoExtensions", committing("groupInfoExtensions"), ["list"]],
  ["branch", (value) => group.branch(value), ["list"], "needed"],
  ["branch options", (value) => group.branch([], value), objects],
  ["branch groupId", options((given) => group.branch([], given), "groupId"), octets],
  ["reinitialize", (value) => group.reinitialize(value), ["list"], "needed"],
  ["exportKey label", (value) => group.exportKey(value, Buffer.alloc(0), 32), text, "needed"],
  ["exportKey context", (value) => group.exportKey("", value, 32), octets, "needed"],
  ["exportKey length", (value) => group.exportKey("", Buffer.alloc(0), value), ["number"], "needed"],
  ["openContext label", (value) => group.openContext(value), text, "needed"],
  ["openContext options", (value) => group.openContext("", value), objects],
  ["groupInfo", (value) => group.groupInfo(value), objects],
  ["groupInfo extensions", options((given) => group.groupInfo(given), "extensions"), ["list"]],
  ["close", (value) => group.close(value), objects],
  ["proposeAdd", (value) => group.proposeAdd(value), [], "needed"],
  ["proposeUpdate", (value) => group.proposeUpdate(value), objects],
  ["proposeUpdate signatureKey", options((given) => group.proposeUpdate(given), "signatureKey"), []],
  ["proposeUpdate credential", options((given) => group.proposeUpdate(given), "credential"), []],
  ["proposeRemove", (value) => group.proposeRemove(value), ["number"], "needed"],
  ["proposePsk", (value) => group.proposePsk(value), [], "needed"],
  ["proposeReInit", (value) => group.proposeReInit(value), objects],
  ["proposeGroupContextExtensions", (value) => group.proposeGroupContextExtensions(value), ["list"], "needed"],
  ["proposeCustom type", (value) => group.proposeCustom(value, Buffer.alloc(0)), [], "needed"],
  ["proposeCustom data", (value) => group.proposeCustom(0xf100, value), octets, "needed"],
];

const sending = (of: (sender: ExternalSender) => unknown): unknown => {
  using sender = new ExternalSender({ identity: "server" });
  return of(sender);
};

const ofOutsiders: Argument[] = [
  ["PublicGroup", (value) => PublicGroup.fromGroupInfo(value), [], "needed"],
  ["PublicGroup options", (value) => PublicGroup.fromGroupInfo(info, value), objects],
  ["PublicGroup ratchetTree", options((given) => PublicGroup.fromGroupInfo(info, given), "ratchetTree"), octets],
  ["ExternalSender", (value) => new ExternalSender(value), [], "needed"],
  ["ExternalSender identity", (value) => new ExternalSender({ identity: value }), ["octets", "text"], "needed"],
  ["ExternalSender proposeRemove", (value) => sending((sender) => sender.proposeRemove(info, value)), [], "needed"],
];

/** What came of a call: the error, or undefined. */
async function outcome(call: () => unknown): Promise<unknown> {
  try {
    await call();
    return undefined;
  } catch (error) {
    return error;
  }
}

describe.each([
  ["a client", ofClients],
  ["a group", ofGroups],
  ["those outside", ofOutsiders],
])("of %s", (_owner, list) => {
  test.each(list)("%s", async (...[_name, call, fits, needed]: Argument) => {
    const before = [group.epoch, group.pendingCommit, group.pendingProposals().length, group.isClosed, heldHandles()];
    for (const [kind, value] of Object.entries(values)) {
      if (fits.includes(kind) || (needed === undefined && value === undefined)) continue;
      const error = await outcome(() => call(value as never));
      expect({ kind, error }).toEqual({ kind, error: expect.any(TinyMlsError) });
      expect({ kind, code: (error as TinyMlsError).code }).toEqual({
        kind,
        code: expect.stringMatching(/^(usage|config|malformed)$/),
      });
    }
    const after = [group.epoch, group.pendingCommit, group.pendingProposals().length, group.isClosed, heldHandles()];
    expect(after).toEqual(before);
  });
});

test("the error says which part is wrong and what it has to be", async () => {
  const refused = (options: object) => group.commit(options).catch((error: TinyMlsError) => error.message);
  expect(await refused({ remove: [0, "1"] })).toBe("remove[1] has to be a whole number from 0 to 4294967295");
  expect(await refused({ add: [Buffer.alloc(3), "kp"] })).toBe("add[1] has to be a Uint8Array");
  expect(await refused({ update: { signatureKey: "pem" } })).toBe(
    "update.signatureKey has to be a PrivateKey of a signature algorithm",
  );
  expect(await refused({ extensions: [{ extensionType: 5 }] })).toBe(
    "extensions[0].extensionData has to be a Uint8Array",
  );
  expect(await refused({ custom: [{ type: 3, data: Buffer.alloc(0) }] })).toBe(
    "custom[0].type has to be the type of a proposal that RFC 9420 does not define",
  );
  expect(await refused({ proposals: "all" })).toBe("proposals has to be true or false or an array");
  expect(group.pendingCommit).toBeUndefined();
});
