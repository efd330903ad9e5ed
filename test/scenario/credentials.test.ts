// RFC 9420 §5.3, §5.3.1, §12.1.7: groups whose members present certificates or credentials of the application, and proposals of its own.
import { webcrypto } from "node:crypto";
import { expect, test } from "@jest/globals";
import {
  Client,
  identityOf,
  sameIdentity,
  x509Authentication,
  type AuthenticationService,
  type CipherSuite,
  type Group,
} from "tinymls";
import { PrivateKey } from "tinymls/crypto";
import { CredentialType, unassignedType, type Credential } from "tinymls/messages";
import { heldHandles } from "../held-handles.js";
import { viewOf } from "../group/people.js";
import { issue, KeyUsageFlags, type Issued, type KeyAlgorithm } from "../credentials/certificates.js";

/** RFC 9420 §17.1: what the cipher suites sign with. */
const suites: readonly (readonly [CipherSuite, KeyAlgorithm])[] = [
  [1, "Ed25519"],
  [2, "ECDSA-P256"],
  [3, "Ed25519"],
  [4, "Ed448"],
  [5, "ECDSA-P521"],
  [6, "Ed448"],
  [7, "ECDSA-P384"],
];

async function keyOf({ keys, algorithm }: Issued): Promise<PrivateKey> {
  const { d } = await webcrypto.subtle.exportKey("jwk", keys.privateKey);
  return PrivateKey.import(algorithm, Buffer.from(d!, "base64url"));
}

const credentialOf = (...chain: readonly Issued[]): Credential => ({
  credentialType: CredentialType.x509,
  certificates: chain.map(({ der }) => ({ certData: der })),
});

async function join(group: Group, client: Client): Promise<Group> {
  const pending = await group.commit({ add: [await client.createKeyPackage()] });
  await pending.confirm();
  return client.joinGroup(pending.welcome!);
}

test.each(suites)(
  "X.509, suite %i, %s: chains to a root that is trusted, a renewed one, and no others",
  async (suite, algorithm) => {
    const handles = heldHandles();
    const root = await issue({ subject: "CN=Root", algorithm });
    const middle = await issue({ subject: "CN=Middle", algorithm, issuer: root, authority: true });
    const stranger = await issue({ subject: "CN=Root", algorithm });
    const authentication = x509Authentication({ roots: [root.der] });
    const clients: Client[] = [];
    const client = async (leaf: Issued, keys: Issued = leaf, issuer = middle): Promise<Client> => {
      using signatureKey = await keyOf(keys);
      const credential = credentialOf(leaf, issuer);
      const made = await Client.create({ identity: "x", cipherSuite: suite, credential, signatureKey, authentication });
      clients.push(made);
      return made;
    };
    const named = (subject: string, more: object = {}): Promise<Issued> =>
      issue({ subject, algorithm, issuer: middle, ...more });

    const [alice, bob] = [await client(await named("CN=Alice")), await client(await named("CN=Bob"))];
    const a = await alice.createGroup();
    const b = await join(a, bob);
    expect(await a.receiveMessage(await b.sendMessage("hello"))).toMatchObject({
      kind: "application",
      sender: { identity: Buffer.from("CN=Bob") },
    });

    const refused = [
      await client(await named("CN=Alice"), await named("CN=Mallory")), // not the key of the certificate
      await client(await issue({ subject: "CN=Eve", algorithm, issuer: stranger }), undefined, stranger),
      await client(await named("CN=Old", { notAfter: new Date("2021-01-01T00:00:00Z") })),
      await client(await named("CN=Agreement", { usage: KeyUsageFlags.keyAgreement })),
    ];
    const plan = await a.planAdd(await Promise.all(refused.map((one) => one.createKeyPackage())));
    expect(plan.rejected.map(({ rule }) => rule)).toEqual(refused.map(() => "5.3.1/credential"));
    expect(plan.accepted).toEqual([]);

    const renewed = await named("CN=Bob");
    using newKey = await keyOf(renewed);
    const renewal = await b.commit({ update: { credential: credentialOf(renewed, middle), signatureKey: newKey } });
    expect(await a.receiveMessage(renewal.commit)).toMatchObject({ kind: "commit", updated: [{ leafIndex: 1 }] });
    await renewal.confirm();
    expect(a.members()[1]!.signatureKey).toEqual(newKey.publicKey);
    expect(await b.receiveMessage(await a.sendMessage("welcome back"))).toMatchObject({ kind: "application" });
    expect(await a.receiveMessage(await b.sendMessage("again"))).toMatchObject({
      kind: "application",
      sender: { identity: Buffer.from("CN=Bob"), signatureKey: newKey.publicKey },
    });

    const other = await named("CN=Carol");
    using otherKey = await keyOf(other);
    const before = b.epochAuthenticator();
    const takeover = await a.proposeUpdate({ credential: credentialOf(other, middle), signatureKey: otherKey }).then(
      () => "proposed",
      (error: { rule?: string }) => error.rule,
    );
    expect(takeover).toBe("5.3.1/successor");
    expect(b.epochAuthenticator()).toEqual(before);
    newKey.dispose();
    otherKey.dispose();
    for (const one of clients) await one.close();
    expect(heldHandles()).toBe(handles);
  },
);

const badge = unassignedType(0xf00d);
const badgeOf = (text: string): Credential => ({ credentialType: badge, data: Buffer.from(text) });
/** Badges are `name:number`; a new number is a new badge of the same person. */
const badges: AuthenticationService = {
  validateCredential: (credential) => identityOf(credential).includes(":"),
  isValidSuccessor: (previous, next) => {
    const name = (credential: Credential) => identityOf(credential).toString().split(":")[0];
    return previous.credentialType === next.credentialType && name(previous) === name(next);
  },
};

test("credentials of the application's own type: trusted, replaced and refused as it decides", async () => {
  const person = (text: string, supported = [badge]): Promise<Client> =>
    Client.create({
      identity: text,
      credential: badgeOf(text),
      supported: { credentials: supported },
      authentication: badges,
    });
  const [alice, bob, forged] = [await person("alice:1"), await person("bob:1"), await person("no badge")];
  const basic = await Client.create({ identity: "carol:1" }); // lists no support for badges
  const a = await alice.createGroup();
  const b = await join(a, bob);
  expect(a.members().map(({ identity }) => identity.toString())).toEqual(["alice:1", "bob:1"]);

  const plan = await a.planAdd([await forged.createKeyPackage(), await basic.createKeyPackage()]);
  expect(plan.rejected.map(({ rule }) => rule)).toEqual(["5.3.1/credential", "7.3/credential-support"]);

  const renewal = await b.proposeUpdate({ credential: badgeOf("bob:2") });
  expect(await a.receiveMessage(renewal)).toMatchObject({ kind: "proposal" });
  const pending = await a.commit();
  expect(await b.receiveMessage(pending.commit)).toMatchObject({ kind: "commit" });
  await pending.confirm();
  expect(a.members()[1]!.identity.toString()).toBe("bob:2");

  // What the others would refuse is not even made.
  const info = await a.groupInfo();
  const [view, held] = [viewOf(b), heldHandles()];
  const takeover = { credential: badgeOf("alice:7") };
  await expect(b.proposeUpdate(takeover)).rejects.toMatchObject({ rule: "5.3.1/successor" });
  await expect(b.commit({ update: takeover })).rejects.toMatchObject({ rule: "5.3.1/successor" });
  const untrusted = b.commit({ update: { credential: badgeOf("bob") } });
  await expect(untrusted).rejects.toMatchObject({ rule: "5.3.1/credential" });
  await expect(forged.joinExternal(info)).rejects.toMatchObject({ rule: "5.3.1/credential" });
  expect(viewOf(b)).toEqual(view);
  expect(heldHandles()).toBe(held);
  expect(sameIdentity(a.members()[1]!.credential, badgeOf("bob:2"))).toBe(true);
  for (const client of [alice, bob, forged, basic]) await client.close();
});

test("proposals of the application's own type are committed by reference and by value, where all support them", async () => {
  const poll = 0xf0aa;
  const supporting = { customProposals: [{ type: poll }] };
  const [alice, bob] = await Promise.all(
    ["alice", "bob"].map((identity) => Client.create({ identity, ...supporting })),
  );
  const carol = await Client.create({ identity: "carol" });
  const a = await alice!.createGroup();
  const b = await join(a, bob!);
  const proposal = await b.proposeCustom(poll, Buffer.from("lunch?"));
  expect(await a.receiveMessage(proposal)).toMatchObject({
    kind: "proposal",
    proposal: { proposalType: poll, data: Buffer.from("lunch?") },
  });
  const pending = await a.commit({ custom: [{ type: poll, data: Buffer.from("at one") }] });
  expect(await b.receiveMessage(pending.commit)).toMatchObject({ kind: "commit", epoch: 2n });
  await pending.confirm();
  expect(a.pendingProposals()).toEqual([]);

  await join(a, carol).then((c) => c.close());
  await expect(a.commit({ custom: [{ type: poll, data: Buffer.of(1) }] })).rejects.toMatchObject({
    rule: "12.2/type-supported",
  });
  for (const client of [alice, bob, carol]) await client!.close();
});
