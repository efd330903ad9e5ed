// The floor of each line: the primitives of RFC 9420 that the operation cannot do without, run one after the other on one
// thread by bench/native/primitives.cc. What tinymls may compute beside them, or twice, is not in it.
import { addon, sound } from "../addon.mjs";

export const floor = "floor";

// The numbers of bench/native/primitives.h. Each takes (octets, how often).
const primitive =
  (id) =>
  (octets, count = 1) => [id, Math.round(octets), Math.round(count)];
const sign = primitive(0);
const verify = primitive(1);
const verifyStranger = primitive(2);
const mac = primitive(3);
const hash = primitive(4);
const seal = primitive(5);
const open = primitive(6);
const hpkeSeal = primitive(7);
const hpkeOpen = primitive(8);
const deriveKeyPair = primitive(9);

/** The sizes, in octets, of what the primitives work on. */
function sizes(suite, members) {
  const [key, signature, hashed] = { 1: [32, 64, 32], 2: [65, 72, 32], 7: [97, 104, 48] }[suite];
  const leaf = 2 * key + signature + 90;
  return { key, signature, hashed, leaf, tree: members * (leaf + 4), context: 4 * hashed, label: 30 + hashed };
}

// Content and the signature beside it, padded; the sender data; the keys of both and the next secret of the ratchet.
const privateMessage = ({ label }, content, crypt) => [mac(label, 5), crypt(content), crypt(12)];

// Joiner, member, epoch and its nine secrets, the confirmation tag; both transcript hashes.
const epoch = ({ context, label, hashed }, commit) => [mac(context, 2), mac(label, 12), hash(commit), hash(2 * hashed)];

// From the leaf to the root: the secrets, their keys, the hashes of nodes and of parents.
const pathHashes = ({ key, hashed }, depth) => [hash(key + 3 * hashed, depth), hash(key + 2 * hashed, depth)];

const updatePath = (of, depth, recipients) => [
  mac(of.label, 2 * depth + 2),
  deriveKeyPair(0, depth + 1),
  ...pathHashes(of, depth),
  hash(of.leaf),
  sign(of.leaf),
  mac(of.context),
  hpkeSeal(of.hashed, recipients),
];

const commitSize = (of, depth, recipients) => of.leaf + depth * (of.key + 4) + recipients * (of.key + of.hashed + 20);

const madeCommit = (of, depth, recipients) => {
  const size = commitSize(of, depth, recipients);
  return [...updatePath(of, depth, recipients), sign(size), ...epoch(of, size), ...privateMessage(of, size, seal)];
};

// The signatures of GroupInfo and leaves; the hashes of all nodes, and where parents are set those of their parent hashes.
const validatedTree = (of, members, populated) => [
  verifyStranger(of.tree),
  verifyStranger(of.leaf, members),
  hash(of.leaf, members),
  hash(2 * of.hashed + 10, members - 1),
  hash(populated ? of.key + 2 * of.hashed : 0, populated ? members - 1 : 0),
];

const keyPackageCheck = (of, count) => [verifyStranger(of.leaf, 2 * count), hash(2 * of.leaf, 2 * count)];

const welcome = (of, count) => [
  sign(of.tree),
  mac(of.label, 3),
  seal(of.tree),
  mac(of.tree),
  hpkeSeal(2 * of.hashed, count),
];

/**
 * @param world `{ suite, members, populated }`
 * @returns by line: `[primitive, octets, count]` each
 */
export function recipes({ suite, members, populated }) {
  const of = sizes(suite, members);
  const depth = Math.ceil(Math.log2(members));
  const recipients = populated ? depth : members - 1;
  const message = 256 + of.signature + 8;
  // Members that never acted are blank parents: removing one takes no more from the recipients than itself. In a populated tree it
  // blanks a path of the other half, whose siblings are then recipients.
  const afterRemoval = populated ? Math.max(1, 2 * depth - 3) : members - 2;
  const one = of.leaf * 2;
  // Of the path secrets that a receiver derives: from the node above both leaves to the root.
  const shared = populated ? Math.max(1, depth - 1) : 1;
  const join = [
    ...[mac(of.tree), hpkeOpen(2 * of.hashed), mac(of.label, 3), open(of.tree)],
    ...[...validatedTree(of, members, populated), ...epoch(of, 0)],
  ];
  return {
    create: [deriveKeyPair(0), sign(of.leaf), hash(of.leaf, 2), mac(of.label, 11)],
    addAll: [
      ...keyPackageCheck(of, members - 1),
      ...[hash(of.leaf, members), hash(2 * of.hashed + 10, members - 1)],
      ...[sign(2 * of.tree), ...epoch(of, 2 * of.tree), ...privateMessage(of, 2 * of.tree, seal)],
      ...welcome(of, members - 1),
    ],
    join,
    joinApart: join,
    send: [sign(message + of.context), ...privateMessage(of, message, seal)],
    receive: [verify(message + of.context), ...privateMessage(of, message, open)],
    commit: madeCommit(of, depth, recipients),
    remove: madeCommit(of, depth, afterRemoval),
    addOne: [
      ...[...keyPackageCheck(of, 1), hash(of.leaf), ...pathHashes(of, depth / 2)],
      ...[sign(one), ...epoch(of, one), ...privateMessage(of, one, seal), ...welcome(of, 1)],
    ],
    externalJoin: [
      ...[...validatedTree(of, members, populated), hpkeSeal(0), ...updatePath(of, depth, recipients)],
      ...[sign(commitSize(of, depth, recipients)), ...epoch(of, commitSize(of, depth, recipients))],
    ],
    // What is at rest is sealed. To write it is part of the operations that changed it.
    load: [open(of.tree)],
    process: [
      ...privateMessage(of, commitSize(of, depth, recipients), open),
      ...[verify(commitSize(of, depth, recipients)), verify(of.leaf)],
      ...[mac(of.context), hpkeOpen(of.hashed), mac(of.label, 2 * shared), deriveKeyPair(0, shared)],
      ...[...pathHashes(of, depth), hash(of.leaf), ...epoch(of, commitSize(of, depth, recipients))],
    ],
  };
}

const loops = new Map();

/** A recipe as a contender. */
export function floorOf(suite, recipe, name = floor) {
  if (!loops.has(suite)) loops.set(suite, sound(addon().primitivesCreate(suite)));
  const loop = loops.get(suite);
  return {
    name,
    compiled: true,
    run(iterations) {
      for (const [id, octets, count] of recipe) sound(addon().primitivesRun(loop, id, octets, count * iterations));
    },
  };
}
