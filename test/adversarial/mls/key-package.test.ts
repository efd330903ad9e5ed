/** RFC 9420 §10: key packages, proposed, committed, and offered to `planAdd`. */
import { expect, test } from "@jest/globals";
import { encode, KeyPackage } from "tinymls/messages";
import { forEachWorld, refusals, type Refusal } from "../../forge/refusals.js";
import { add, type World } from "../../forge/world.js";

type Change = (keyPackage: KeyPackage, world: World) => object;
const extensions =
  (...types: number[]): Change =>
  (k) => ({ ...k, extensions: types.map((extensionType) => ({ extensionType, extensionData: Buffer.alloc(0) })) });

const wrong: [rule: Refusal[0], what: string, change: Change][] = [
  ["5.1.1/encryption-key", "an init key that is none", (k) => ({ ...k, initKey: Buffer.alloc(5, 4) })],
  ["10/extensions-listed", "an extension not listed", extensions(0xf0ee)],
  ["10.1/cipher-suite", "another cipher suite", (k) => ({ ...k, cipherSuite: (k.cipherSuite % 7) + 1 })],
  ["10.1/cipher-suite", "a cipher suite that is none", (k) => ({ ...k, cipherSuite: 0x0a0a })],
  ["10.1/init-key", "the encryption key as init key", (k) => ({ ...k, initKey: k.leafNode.encryptionKey })],
  ["10.1/version", "another version", (k) => ({ ...k, version: 2 })],
  ["13.4/extensions-unique", "an extension twice", extensions(0xf0e0, 0xf0e0)],
];

const forged = (world: World, change: Change) => world.puppet("nina").keyPackage((fields) => change(fields, world));
const bySomeoneElse = (world: World) => {
  const { signatureKey } = world.puppet("nina");
  return world.puppet("nina").keyPackage(undefined, undefined, world.server, signatureKey);
};
const changed = (world: World) => ({
  ...world.puppet("nina").own.value,
  initKey: world.puppet("bob").own.value.initKey,
});
const signatures: [string, (world: World) => KeyPackage][] = [
  ["signed by someone else", bySomeoneElse],
  ["changed after it was signed", changed],
  ["with an empty signature", (world) => ({ ...world.puppet("nina").own.value, signature: Buffer.alloc(0) })],
];

refusals([
  ...wrong.flatMap(([rule, what, change]): Refusal[] => [
    [rule, `an Add with ${what}`, (world) => world.proposal(add(forged(world, change)))],
    [rule, `a committed Add with ${what}`, (world) => world.commit([add(forged(world, change))])],
  ]),
  ...signatures.flatMap(([what, keyPackage]): Refusal[] => [
    ["10.1/signature", `an Add of a key package ${what}`, (world) => world.proposal(add(keyPackage(world)))],
    ["10.1/signature", `a committed Add of a key package ${what}`, (world) => world.commit([add(keyPackage(world))])],
  ]),
]);

forEachWorld((worldOf) => {
  test("a committer leaves wrong key packages out, by the same rules, and adds the others", async () => {
    const world = worldOf();
    const { alice } = world;
    const all = [
      ...wrong.map(([, , change]) => forged(world, change)),
      ...signatures.map(([, keyPackage]) => keyPackage(world)),
    ];
    const good = world.puppet("olaf").message;
    const before = world.fingerprint();
    const plan = await alice.planAdd([...all.map((keyPackage) => encode(KeyPackage, keyPackage)), good]);
    const rules = [...wrong.map(([rule]) => rule), ...signatures.map(() => "10.1/signature")];
    expect(plan.rejected.map(({ rule }) => rule)).toEqual(rules);
    expect(plan.accepted.map(({ index }) => index)).toEqual([all.length]);
    expect(world.fingerprint()).toEqual(before);
  });
});
