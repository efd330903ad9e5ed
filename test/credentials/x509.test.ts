import { expect, test } from "@jest/globals";
import { x509 } from "#dist/native/x509.js";
import { issue, keyAlgorithms, KeyUsageFlags, rawPublicKey, type Issued, type KeyAlgorithm } from "./certificates.js";

const now = new Date("2030-06-01T00:00:00Z");
const code = (run: () => unknown): string | undefined => {
  try {
    run();
    return undefined;
  } catch (error) {
    return (error as { code?: string }).code;
  }
};

async function chain(algorithm: KeyAlgorithm = "Ed25519") {
  const root = await issue({ subject: "CN=Root", algorithm });
  const middle = await issue({ subject: "CN=Middle", algorithm, issuer: root, authority: true });
  const alice = await issue({ subject: "CN=Alice,O=Example", algorithm, issuer: middle });
  return { root, middle, alice };
}

test.each(Object.keys(keyAlgorithms) as KeyAlgorithm[])(
  "a chain of %s certificates verifies and names its end entity",
  async (algorithm) => {
    const { root, middle, alice } = await chain(algorithm);
    const entity = x509.verifyChain([alice.der, middle.der], [root.der], now);
    expect(entity).toMatchObject({ algorithm, publicKey: await rawPublicKey(alice) });
    expect(entity.subject).toMatch(/CN=Alice/);
    expect(x509.verifyChain([alice.der, middle.der, root.der], [root.der], now)).toEqual(entity);
    expect(x509.verifyChain([alice.der], [middle.der], now)).toEqual(entity);
    expect(x509.endEntity(alice.der)).toEqual(entity);
  },
);

test("a chain that leads to no root, lacks a link or is out of order does not verify", async () => {
  const { root, middle, alice } = await chain();
  const other = await issue({ subject: "CN=Root" });
  expect(code(() => x509.verifyChain([alice.der, middle.der], [other.der], now))).toBe("invalid");
  expect(code(() => x509.verifyChain([alice.der], [root.der], now))).toBe("invalid");
  expect(code(() => x509.verifyChain([alice.der, root.der, middle.der], [root.der], now))).toBe("invalid");
  expect(code(() => x509.verifyChain([middle.der, alice.der], [root.der], now))).toBe("invalid");
  expect(code(() => x509.verifyChain([alice.der, middle.der], [], now))).toBe("invalid");
});

test("an issuer that is no authority, a key that may not sign and a time outside validity are refused", async () => {
  const root = await issue({ subject: "CN=Root" });
  const notAuthority = await issue({ subject: "CN=Middle", issuer: root, authority: false });
  const below = await issue({ subject: "CN=Alice", issuer: notAuthority });
  expect(code(() => x509.verifyChain([below.der, notAuthority.der], [root.der], now))).toBe("invalid");
  const agreement = await issue({ subject: "CN=Alice", issuer: root, usage: KeyUsageFlags.keyAgreement });
  expect(code(() => x509.verifyChain([agreement.der], [root.der], now))).toBe("invalid");
  const expired = await issue({ subject: "CN=Alice", issuer: root, notAfter: new Date("2029-01-01T00:00:00Z") });
  expect(code(() => x509.verifyChain([expired.der], [root.der], now))).toBe("invalid");
  expect(x509.verifyChain([expired.der], [root.der], new Date("2028-01-01T00:00:00Z")).subject).toBe("CN=Alice");
  const early = await issue({ subject: "CN=Alice", issuer: root, notBefore: new Date("2031-01-01T00:00:00Z") });
  expect(code(() => x509.verifyChain([early.der], [root.der], now))).toBe("invalid");
});

test("a link that is signed with SHA-1 is refused", async () => {
  const algorithm = "ECDSA-P256";
  const root = await issue({ subject: "CN=Root", algorithm });
  const middle = await issue({ subject: "CN=Middle", algorithm, issuer: root, authority: true });
  const weak = await issue({ subject: "CN=Middle", algorithm, issuer: root, authority: true, hash: "SHA-1" });
  const below = (issuer: Issued, more: object = {}) => issue({ subject: "CN=Alice", algorithm, issuer, ...more });
  expect(x509.verifyChain([(await below(middle)).der, middle.der], [root.der], now).subject).toBe("CN=Alice");
  const weakLeaf = await below(middle, { hash: "SHA-1" });
  expect(code(() => x509.verifyChain([weakLeaf.der, middle.der], [root.der], now))).toBe("invalid");
  const strongLeaf = await below(weak);
  expect(code(() => x509.verifyChain([strongLeaf.der, weak.der], [root.der], now))).toBe("invalid");
});

test("a forged signature and unreadable certificates are refused", async () => {
  const { root, middle, alice } = await chain();
  const forged = Buffer.from(alice.der);
  forged[forged.length - 1]! ^= 1;
  expect(code(() => x509.verifyChain([forged, middle.der], [root.der], now))).toBe("invalid");
  expect(code(() => x509.verifyChain([Buffer.concat([alice.der, Buffer.from([0])])], [middle.der], now))).toBe(
    "malformed",
  );
  expect(code(() => x509.verifyChain([alice.der.subarray(0, 40)], [root.der], now))).toBe("malformed");
  expect(code(() => x509.verifyChain([Buffer.alloc(0)], [root.der], now))).toBe("malformed");
  expect(code(() => x509.verifyChain([], [root.der], now))).toBe("malformed");
  expect(code(() => x509.verifyChain(Array(17).fill(alice.der), [root.der], now))).toBe("malformed");
});
