import { describe, expect, test } from "@jest/globals";
import { SecretTree, type PeekedKey, type RatchetType, type SecretTreeOptions } from "#dist/mls/schedule/index.js";
import { suiteOf } from "#dist/mls/suite/index.js";
import { Secret } from "#dist/native/secret.js";
import { heldHandles } from "../held-handles.js";
import { withKey } from "./message-key.js";

const suite = suiteOf(1);
const encryptionSecret = Buffer.alloc(suite.Nh, 7);

function treeOf(options: Partial<SecretTreeOptions> = {}): SecretTree {
  return new SecretTree(suite, Secret.from(encryptionSecret), { leafCount: 8, ...options });
}

function peek(tree: SecretTree, leaf: number, type: RatchetType, generation: number): PeekedKey {
  const peeked = tree.peek(leaf, type, generation);
  if (typeof peeked === "string") throw new Error(peeked);
  return peeked;
}

function open(tree: SecretTree, leaf: number, type: RatchetType, generation: number): boolean | string {
  const peeked = tree.peek(leaf, type, generation);
  return typeof peeked === "string" ? peeked : peeked.commit();
}

/** Everything that the tree holds, as text. */
function fingerprint(tree: SecretTree): string {
  return [...tree.entries()]
    .map((entry) => {
      const { kind, ...rest } = entry;
      const secrets = Object.values(rest).flatMap((value) =>
        value instanceof Secret ? [macOf(value)] : [String(value)],
      );
      return [kind, ...secrets].join(" ");
    })
    .sort()
    .join("\n");
}

function macOf(secret: Secret): string {
  return suite.mac(secret, Buffer.from("fingerprint")).toString("hex");
}

const [aad, plaintext, reuseGuard] = [Buffer.from("aad"), Buffer.from("plaintext"), Buffer.from("01020304", "hex")];

/** Seals with the next key of the tree's own leaf: the generation, and the ciphertext. */
function seal(tree: SecretTree): { readonly generation: number; readonly ciphertext: Buffer } {
  const ciphertext = Buffer.alloc(plaintext.byteLength + 16);
  return { generation: tree.seal("application", { aad, plaintext, out: ciphertext, reuseGuard }), ciphertext };
}

function sealed32(tree: SecretTree): Buffer[] {
  return Array.from({ length: 32 }, () => seal(tree).ciphertext);
}

describe("a peeked key", () => {
  test("discarded, leaves the tree and the live handles as they were", () => {
    const tree = treeOf();
    open(tree, 3, "application", 2);
    const [before, handles] = [fingerprint(tree), heldHandles()];
    for (const [leaf, generation] of [
      [3, 0],
      [3, 3],
      [3, 40],
      [0, 0],
      [7, 500],
      [2, 1],
    ] as const) {
      for (const type of ["handshake", "application"] as const) {
        peek(tree, leaf, type, type === "handshake" ? generation + 3 : generation).discard();
        expect(heldHandles()).toBe(handles);
        expect(fingerprint(tree)).toBe(before);
      }
    }
    tree.dispose();
  });

  test("opens until commit or discard, and is settled once", () => {
    const tree = treeOf({ ownLeafIndex: 0 });
    const sealed = sealed32(tree);
    const receiver = treeOf();
    open(receiver, 0, "application", 2);
    for (const [generation, discarded] of [
      [0, true],
      [0, false],
      [3, true],
      [3, false],
      [1, false],
    ] as const) {
      const peeked = peek(receiver, 0, "application", generation);
      const message = { aad, ciphertext: sealed[generation]!, reuseGuard };
      const before = [fingerprint(receiver), heldHandles()];
      expect(peeked.open(message)).toEqual(plaintext);
      const wrong = { ...message, ciphertext: sealed[generation + 1]! };
      expect(() => peeked.open(wrong)).toThrow(expect.objectContaining({ code: "undecryptable" }));
      expect([fingerprint(receiver), heldHandles()]).toEqual(before);
      if (discarded) peeked.discard();
      else expect(peeked.commit()).toBe(true);
      expect(() => peeked.open(message)).toThrow(expect.objectContaining({ code: "closed" }));
      expect(peeked.commit()).toBe(false);
      peeked.discard();
      if (!discarded) expect(open(receiver, 0, "application", generation)).toBe("duplicate");
    }
    tree.dispose();
    receiver.dispose();
  });

  test("of a message that came twice in one batch is committed once", () => {
    const tree = treeOf();
    for (const generation of [0, 5, 2]) {
      const copies = [peek(tree, 1, "handshake", generation), peek(tree, 1, "handshake", generation)];
      expect(copies.map((copy) => copy.commit())).toEqual([true, false]);
    }
    tree.dispose();
  });

  test("of an epoch that is disposed meanwhile commits nothing", () => {
    const before = heldHandles();
    const tree = treeOf();
    const peeked = peek(tree, 1, "handshake", 4);
    tree.dispose();
    expect(() => peeked.commit()).toThrow(expect.objectContaining({ code: "closed" }));
    expect(() => tree.peek(1, "handshake", 0)).toThrow(expect.objectContaining({ code: "closed" }));
    expect(heldHandles()).toBe(before);
  });
});

describe("forward secrecy", () => {
  test("no secret that is held derives a key that was used", () => {
    const tree = treeOf();
    open(tree, 2, "application", 1);
    const nodes = [...tree.entries()].flatMap((entry) => (entry.kind === "node" ? [entry.node] : []));
    expect(nodes.sort((a, b) => a - b)).toEqual([3, 4, 11]);
    for (const gone of [1, 2, 5, 10]) expect(nodes).not.toContain(gone);
    expect([...tree.entries()].filter(({ kind }) => kind === "skipped")).toMatchObject([
      { leafIndex: 2, type: "application", generation: 0 },
    ]);
    expect(open(tree, 2, "application", 0)).toBe(true);
    expect([...tree.entries()].some(({ kind }) => kind === "skipped")).toBe(false);
    tree.dispose();
  });

  test("one leaf of 50,000 takes a path, not a tree", () => {
    const before = heldHandles();
    const tree = treeOf({ leafCount: 50_000 });
    open(tree, 49_999, "application", 0);
    expect(heldHandles() - before).toBe(16 + 2);
    open(tree, 49_998, "application", 0);
    expect(heldHandles() - before).toBe(15 + 4);
    tree.dispose();
    expect(heldHandles()).toBe(before);
  });

  test("every leaf of a tree that is no power of two is reached, each with keys of its own", () => {
    const tree = treeOf({ leafCount: 13 });
    const keys = new Set<string>();
    for (let leaf = 0; leaf < 13; leaf++) {
      for (const type of ["handshake", "application"] as const) {
        const peeked = peek(tree, leaf, type, 0);
        keys.add(withKey(suite, peeked, macOf));
        peeked.commit();
      }
    }
    expect(keys.size).toBe(26);
    expect(() => tree.peek(13, "handshake", 0)).toThrow(expect.objectContaining({ code: "usage" }));
    tree.dispose();
  });
});

describe("retention", () => {
  test("a message too far ahead costs nothing and is refused", () => {
    const tree = treeOf({ retention: { maxForwardDistance: 10 } });
    const before = heldHandles();
    expect(tree.peek(0, "application", 11)).toBe("tooFarAhead");
    expect(tree.peek(0, "application", 0xffffffff)).toBe("tooFarAhead");
    expect(heldHandles()).toBe(before);
    expect(open(tree, 0, "application", 10)).toBe(true);
    expect(open(tree, 0, "application", 22)).toBe("tooFarAhead");
    expect(open(tree, 0, "application", 21)).toBe(true);
    tree.dispose();
  });

  test("kept keys are bounded for a ratchet, the oldest go first", () => {
    const tree = treeOf({ retention: { maxSkippedKeys: 3 } });
    open(tree, 0, "application", 10);
    expect(tree.retained.keys).toBe(3);
    expect(open(tree, 0, "application", 6)).toBe("dropped");
    open(tree, 0, "application", 12);
    expect([7, 8, 9, 10, 11].map((generation) => open(tree, 0, "application", generation))).toEqual([
      "dropped",
      true,
      true,
      "duplicate",
      true,
    ]);
    tree.dispose();
  });

  test("kept keys are bounded for an epoch", () => {
    const tree = treeOf({ retention: { maxSkippedKeysPerEpoch: 4 } });
    open(tree, 0, "application", 3);
    open(tree, 1, "application", 3);
    expect(tree.retained.keys).toBe(4);
    expect([0, 1, 2].map((generation) => open(tree, 0, "application", generation))).toEqual([
      "dropped",
      "dropped",
      true,
    ]);
    expect([0, 1, 2].map((generation) => open(tree, 1, "application", generation))).toEqual([true, true, true]);
    tree.dispose();
  });

  test("kept keys are dropped when their time is over, also if the clock is set back", () => {
    let now = 1_000;
    const before = heldHandles();
    const tree = treeOf({ retention: { skippedKeyLifetimeMs: 100 }, now: () => now });
    open(tree, 0, "application", 1);
    now = 1_050;
    open(tree, 1, "application", 1);
    now = 10;
    open(tree, 2, "application", 1);
    expect(tree.retained).toEqual({ keys: 3, oldest: 1_000 });
    now = 1_100;
    tree.expire();
    expect(tree.retained).toEqual({ keys: 2, oldest: 1_050 });
    expect(open(tree, 0, "application", 0)).toBe("dropped");
    expect(open(tree, 1, "application", 0)).toBe(true);
    now = 1_150;
    expect(open(tree, 2, "application", 0)).toBe("dropped");
    tree.dispose();
    expect(heldHandles()).toBe(before);
  });

  test.each([{ maxForwardDistance: -1 }, { maxSkippedKeys: 1.5 }, { pastEpochs: NaN }, { unknown: 1 }])(
    "%j is no policy",
    (retention) => {
      const before = heldHandles();
      expect(() => treeOf({ retention })).toThrow(expect.objectContaining({ code: "config" }));
      expect(heldHandles()).toBe(before);
    },
  );
});

describe("sending", () => {
  test("takes generations in order, and what is sent can be received", () => {
    const sender = treeOf({ ownLeafIndex: 5 });
    const receiver = treeOf();
    for (let generation = 0; generation < 5; generation++) {
      const sealed = seal(sender);
      const peeked = peek(receiver, 5, "application", generation);
      expect(sealed.generation).toBe(generation);
      expect(peeked.open({ aad, ciphertext: sealed.ciphertext, reuseGuard })).toEqual(plaintext);
      peeked.commit();
    }
    sender.dispose();
    receiver.dispose();
  });

  test("a reservation is not overrun, and what is stored before its first use never gives a generation twice", () => {
    const tree = treeOf({ ownLeafIndex: 0 });
    const sent: number[] = [];
    const send = (from: SecretTree): void => void sent.push(seal(from).generation);
    expect(tree.reserve("application", 2)).toBe(2);
    send(tree);
    send(tree);
    const handles = heldHandles();
    expect(() => send(tree)).toThrow(expect.objectContaining({ code: "exhausted" }));
    expect(heldHandles()).toBe(handles);
    tree.reserve("application", 8);
    const { secret, ...place } = tree.stored(0, "application")!;
    const stored = { ...place, secret: secret.clone() };
    send(tree);

    const restarted = SecretTree.restore(suite, [stored], { leafCount: tree.leafCount, ownLeafIndex: 0 });
    send(restarted);
    expect(sent).toEqual([0, 1, 2, 10]);
    tree.dispose();
    restarted.dispose();
  });

  test("without a leaf of its own there is nothing to send with", () => {
    const tree = treeOf();
    const operations = [
      () => seal(tree),
      () => tree.reserve("application", 1),
      () => tree.endReservation("application"),
      () => tree.reserved("application"),
      () => tree.sentBelow("application"),
    ];
    for (const operation of operations) expect(operation).toThrow(expect.objectContaining({ code: "usage" }));
    tree.dispose();
  });
});

describe("storage", () => {
  test("a tree restored from its entries is the same tree", () => {
    const before = heldHandles();
    const tree = treeOf();
    open(tree, 0, "application", 3);
    open(tree, 6, "handshake", 1);
    open(tree, 0, "application", 1);
    const entries = [...tree.entries()].map((entry) =>
      entry.kind === "skipped"
        ? { ...entry, key: entry.key.clone(), nonce: entry.nonce.clone() }
        : { ...entry, secret: entry.secret.clone() },
    );
    const restored = SecretTree.restore(suite, entries, { leafCount: 8 });
    expect(fingerprint(restored)).toBe(fingerprint(tree));
    expect([0, 1, 2, 3].map((generation) => open(restored, 0, "application", generation))).toEqual([
      true,
      "duplicate",
      true,
      "duplicate",
    ]);
    tree.dispose();
    restored.dispose();
    expect(heldHandles()).toBe(before);
  });

  test("entries that make no tree are refused, and their handles wiped", () => {
    const before = heldHandles();
    const secret = (): Secret => Secret.from(encryptionSecret);
    const ratchet = { kind: "ratchet", leafIndex: 0, type: "handshake", generation: 0, droppedBelow: 0 } as const;
    const skipped = { kind: "skipped", leafIndex: 1, type: "handshake", generation: 0, retainedAt: 5 } as const;
    expect(() =>
      SecretTree.restore(
        suite,
        [
          { ...ratchet, secret: secret() },
          { ...ratchet, secret: secret() },
        ],
        { leafCount: 2 },
      ),
    ).toThrow();
    expect(() =>
      SecretTree.restore(suite, [{ ...skipped, key: secret(), nonce: secret() }], { leafCount: 2 }),
    ).toThrow();
    expect(() =>
      SecretTree.restore(suite, [{ ...ratchet, leafIndex: 2, secret: secret() }], { leafCount: 2 }),
    ).toThrow();
    expect(() => SecretTree.restore(suite, [{ kind: "node", node: 1, secret: secret() }], { leafCount: 0 })).toThrow();
    expect(heldHandles()).toBe(before);
  });
});
