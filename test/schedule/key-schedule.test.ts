import { describe, expect, test } from "@jest/globals";
import { PSKType } from "#dist/mls/objects/index.js";
import {
  EpochSecrets,
  epochSecretNames,
  type EpochSecretName,
  mlsExporter,
  pskNonce,
  pskSecret,
} from "#dist/mls/schedule/index.js";
import { cipherSuites, suiteOf } from "#dist/mls/suite/index.js";
import { disposeSecrets, Secret } from "#dist/native/secret.js";
import { heldHandles } from "../held-handles.js";

describe.each([...cipherSuites.values()])("$name", ({ id }) => {
  const suite = suiteOf(id);

  test("8.4/psk-nonce-length", () => {
    const psk = Secret.random(20);
    const before = heldHandles();
    const external = (pskNonce: Uint8Array) => ({
      id: { pskType: PSKType.external, pskId: Buffer.from("id"), pskNonce },
      psk,
    });
    for (const length of [0, 1, suite.Nh - 1, suite.Nh + 1]) {
      expect(() => pskSecret(suite, [external(pskNonce(suite)), external(Buffer.alloc(length))])).toThrow(
        expect.objectContaining({ rule: "8.4/psk-nonce-length", section: "RFC 9420 §8.4" }),
      );
    }
    expect(heldHandles()).toBe(before);
    const resumption = {
      pskType: PSKType.resumption,
      usage: 1,
      pskGroupId: Buffer.alloc(1),
      pskEpoch: 0n,
      pskNonce: pskNonce(suite),
    } as const;
    const secrets = [
      pskSecret(suite, [external(Buffer.alloc(suite.Nh)), { id: resumption, psk }])!,
      pskSecret(suite, [{ id: resumption, psk }, external(Buffer.alloc(suite.Nh))])!,
    ];
    expect(secrets[0]!.equals(secrets[1]!)).toBe(false);
    expect(pskSecret(suite, [])).toBe(undefined);
    for (const secret of [...secrets, psk]) secret.dispose();
    expect(heldHandles()).toBe(before - 1);
  });

  test("a new group, and a commit without path or PSK", () => {
    const before = heldHandles();
    const epoch = EpochSecrets.forNewGroup(suite);
    const groupContext = Buffer.from("context");
    const zero = Secret.from(new Uint8Array(suite.Nh));
    const { initSecret } = epoch;
    const implied = EpochSecrets.fromCommit(suite, {
      initSecret,
      commitSecret: undefined,
      pskSecret: undefined,
      groupContext,
    });
    const explicit = EpochSecrets.fromCommit(suite, { initSecret, commitSecret: zero, pskSecret: zero, groupContext });
    expect(explicit.epochAuthenticator()).toEqual(implied.epochAuthenticator());
    expect(epoch.epochAuthenticator()).not.toEqual(implied.epochAuthenticator());
    for (const each of [epoch, implied, explicit, zero]) each.dispose();
    expect(heldHandles()).toBe(before);
  });
});

describe("the secrets of an epoch", () => {
  const suite = suiteOf(1);

  test("are erased one by one, given away, or all at once", () => {
    const before = heldHandles();
    const epoch = EpochSecrets.forNewGroup(suite);
    expect(heldHandles() - before).toBe(epochSecretNames.length);
    expect(epoch.externalKeyPair).toBe(epoch.externalKeyPair);
    expect(heldHandles() - before).toBe(epochSecretNames.length + 1);
    epoch.erase("initSecret");
    epoch.erase("initSecret");
    expect(() => epoch.initSecret).toThrow(expect.objectContaining({ code: "closed" }));
    const taken = epoch.take("encryptionSecret");
    expect(() => epoch.take("encryptionSecret")).toThrow(expect.objectContaining({ code: "closed" }));
    epoch.retain("senderDataSecret");
    expect([...epoch.entries()].map(([name]) => name)).toEqual(["senderDataSecret"]);
    expect(() => epoch.externalKeyPair).toThrow(expect.objectContaining({ code: "closed" }));
    expect(heldHandles() - before).toBe(2);
    epoch.dispose();
    epoch.dispose();
    expect(taken.byteLength).toBe(suite.Nh);
    taken.dispose();
    expect(heldHandles()).toBe(before);
  });

  test("are restored from their entries, and nothing else is", () => {
    const before = heldHandles();
    const epoch = EpochSecrets.forNewGroup(suite);
    epoch.erase("initSecret");
    const entries = epoch.entries();
    const restored = EpochSecrets.restore(
      suite,
      entries.map(([name]) => name),
      Secret.concat(entries.map(([, secret]) => secret)),
    );
    expect(restored.epochAuthenticator()).toEqual(epoch.epochAuthenticator());
    expect(restored.externalKeyPair.publicKey).toEqual(epoch.externalKeyPair.publicKey);
    expect(restored.has("initSecret")).toBe(false);
    epoch.dispose();
    restored.dispose();
    const wrong = [
      [["confirmationKey", Secret.random(suite.Nh - 1)]],
      [
        ["confirmationKey", Secret.random(suite.Nh)],
        ["confirmationKey", Secret.random(suite.Nh)],
      ],
      [
        ["noSuchName", Secret.random(suite.Nh)],
        ["exporterSecret", Secret.random(suite.Nh)],
      ],
    ] as unknown as [["confirmationKey", Secret]][];
    for (const entries of wrong) {
      const secrets = entries.map(([, secret]) => secret);
      const names = entries.map(([name]) => name);
      expect(() => EpochSecrets.restore(suite, names, Secret.concat(secrets))).toThrow(
        expect.objectContaining({ code: "malformed" }),
      );
      disposeSecrets(secrets);
    }
    expect(heldHandles()).toBe(before);
  });

  test("are restored from one secret, and have handles of their own once they are asked for", () => {
    const before = heldHandles();
    const epoch = EpochSecrets.forNewGroup(suite);
    epoch.take("encryptionSecret").dispose();
    const names = epoch.entries().map(([name]) => name);
    const load = (): EpochSecrets => {
      return EpochSecrets.restore(suite, names, Secret.concat(epoch.entries().map(([, secret]) => secret)));
    };
    const same = (loaded: EpochSecrets, name: EpochSecretName): boolean => {
      const own = new Map(epoch.entries()).get(name)!;
      return new Map(loaded.entries()).get(name)!.equals(own);
    };
    const { publicKey } = epoch.externalKeyPair;
    const held = heldHandles();
    const loaded = load();
    expect(heldHandles() - held).toBe(1);
    expect(names.map((name) => loaded.has(name))).not.toContain(false);
    expect(loaded.has("encryptionSecret")).toBe(false);
    expect(() => loaded.take("encryptionSecret")).toThrow(expect.objectContaining({ code: "closed" }));
    expect(loaded.senderDataSecret.equals(epoch.senderDataSecret)).toBe(true);
    expect(loaded.senderDataSecret).toBe(loaded.senderDataSecret);
    expect(heldHandles() - held).toBe(2);
    expect(loaded.epochAuthenticator()).toEqual(epoch.epochAuthenticator());
    expect(loaded.externalKeyPair.publicKey).toEqual(publicKey);
    expect(names.map((name) => same(loaded, name))).not.toContain(false);
    loaded.dispose();
    for (const erase of [
      (each: EpochSecrets) => each.erase("initSecret"),
      (each: EpochSecrets) => each.take("initSecret").dispose(),
    ]) {
      const other = load();
      expect(other.confirmationKey.equals(epoch.confirmationKey)).toBe(true);
      erase(other);
      expect(other.has("initSecret")).toBe(false);
      expect(() => other.initSecret).toThrow(expect.objectContaining({ code: "closed" }));
      expect(heldHandles() - held).toBe(names.length - 1);
      other.retain("senderDataSecret");
      expect(other.senderDataSecret.equals(epoch.senderDataSecret)).toBe(true);
      expect(other.entries().map(([name]) => name)).toEqual(["senderDataSecret"]);
      other.dispose();
      expect(() => other.senderDataSecret).toThrow(expect.objectContaining({ code: "closed" }));
    }
    load().dispose();
    const wrong: [unknown[], number][] = [
      [["confirmationKey"], suite.Nh - 1],
      [["confirmationKey"], 2 * suite.Nh],
      [["confirmationKey", "confirmationKey"], 2 * suite.Nh],
      [["noSuchName", "exporterSecret"], 2 * suite.Nh],
    ];
    for (const [wrongNames, length] of wrong) {
      const joined = Secret.random(length);
      const attempt = (): unknown => EpochSecrets.restore(suite, wrongNames as EpochSecretName[], joined);
      expect(attempt).toThrow(expect.objectContaining({ code: "malformed" }));
    }
    epoch.dispose();
    expect(heldHandles()).toBe(before);
  });

  test("the exporter gives 1 to 255 * KDF.Nh octets that depend on label, context and length", () => {
    const before = heldHandles();
    const exporterSecret = Secret.random(suite.Nh);
    const exported = (label: string, context: string, length: number): Secret => {
      return mlsExporter(suite, exporterSecret, label, Buffer.from(context), length);
    };
    const all = [
      exported("a", "", 16),
      exported("b", "", 16),
      exported("a", "c", 16),
      exported("a", "", 17),
      exported("a", "", 255 * 32),
    ];
    expect(new Set(all.map((secret) => suite.mac(secret, Buffer.alloc(0)).toString("hex"))).size).toBe(5);
    const handles = heldHandles();
    for (const length of [0, -1, 1.5, NaN, 255 * 32 + 1]) {
      expect(() => exported("a", "", length)).toThrow(expect.objectContaining({ code: "usage" }));
    }
    expect(heldHandles()).toBe(handles);
    for (const secret of [...all, exporterSecret]) secret.dispose();
    expect(heldHandles()).toBe(before);
  });
});
