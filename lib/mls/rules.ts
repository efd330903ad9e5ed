import { sectionOf, type EncodingRule } from "../codec/index.js";
import { TinyMlsError, type ErrorCode } from "../errors.js";

/**
 * Every check of RFC 9420 that can refuse an input, by its id: the section that demands it and a name. Each has a forged
 * negative test. Sorted by section.
 */
const titles = {
  // The presentation language
  "2.1/encoding":
    "The octets are what they should encode: no more, no less, and with known values where no others may be",
  "2.1/trailing-octets": "Nothing follows the end of a message, or of the body of an extension",
  "2.1.1/presence-octet": "The presence octet of an optional value is 0 or 1",
  "2.1.2/minimal-length": "The length of a vector is in its shortest form",

  // The ratchet tree as a whole
  "7.1/unmerged-leaves-sorted": "The unmerged leaves of a parent node are in increasing order",
  "7.8/tree-hash": "The tree hash is that of the group context",
  "7.9.2/parent-hash": "Every non-blank parent node is chained to one leaf by parent hashes",
  "12.4.3.1/encryption-key-unique": "The encryption key of a parent node appears in no other node of the tree",
  "12.4.3.1/unmerged-leaf-descendant": "An unmerged leaf is a descendant of the parent node that lists it",
  "12.4.3.1/unmerged-leaf-listed":
    "Non-blank parent nodes between an unmerged leaf and the node that lists it list it too",
  "12.4.3.1/unmerged-leaf-present": "An unmerged leaf is not blank",
  "12.4.3.3/node-type": "Leaves are at even, parents at odd positions of the ratchet tree",
  "12.4.3.3/trailing-blank": "The last node of the ratchet tree is not blank",

  // Leaf nodes
  "5.1.1/encryption-key": "An encryption key is a public key of the cipher suite's KEM",
  "7.2/credential-listed": "The capabilities of a leaf list the type of its credential",
  "7.2/default-types": "The capabilities of a leaf list no default extension or proposal type",
  "7.2/lifetime-total": "The total lifetime of a leaf is within the application's maximum",
  "7.3/credential-support": "All members support the credential types in use",
  "7.3/encryption-key-unique": "The encryption key of a leaf is unique among the members",
  "7.3/extensions-listed": "The capabilities of a leaf list the types of its extensions",
  "7.3/leaf-node-source": "The source of a leaf is the one of its place",
  "7.3/leaf-signature": "The signature of a leaf verifies under its own signature key",
  "7.3/lifetime": "The current time is within the lifetime of a leaf",
  "7.3/required-capabilities": "The capabilities of a leaf list what the group requires",
  "7.3/signature-key-unique": "The signature key of a leaf is unique among the members",
  "7.3/update-encryption-key": "An updated leaf has another encryption key than the leaf that it replaces",
  "11.1/cipher-suite-listed": "The capabilities of a leaf list the cipher suite of the group",
  "11.1/version-listed": "The capabilities of a leaf list the protocol version of the group",
  "13.4/extensions-unique": "A list of extensions has each type once",
  "13.4/group-extensions-listed": "The capabilities of a leaf list the extensions of the group context",

  // Credentials, key packages, group contexts
  "5.3.1/credential": "The application trusts a credential, for the signature key that it stands beside",
  "5.3.1/successor": "The application accepts a new credential of a member as successor of the old one",
  "10/extensions-listed": "The capabilities of a leaf list the types of the extensions of its key package",
  "10.1/cipher-suite": "The cipher suite of a key package is that of the group",
  "10.1/init-key": "The init key of a key package is not the encryption key of its leaf",
  "10.1/signature": "The signature of a key package verifies under the signature key of its leaf",
  "10.1/version": "The protocol version of a key package is that of the group",

  // Proposals
  "6/group-id": "A message is of the group that it is given to",
  "6/group-message": "A message of a group is a PublicMessage or a PrivateMessage",
  "11.2/epoch": "The successor of a group follows the epoch that its ReInit began",
  "11.2/members": "All members of a reinitialized group are members of the new one",
  "11.2/parameters": "The new group has the parameters that the ReInit names",
  "11.3/members": "The members of a branch are members of the group that it comes from",
  "11.3/parameters": "A branch has version and cipher suite of the group that it comes from",
  "11.2/reinitialized": "A group that is reinitialized takes no more proposals and commits",
  "12.1/too-many": "No more proposals wait for a commit than the application wants kept",
  "12.1.3/removed-leaf": "A Remove names a leaf that is not blank",
  "12.1.4/psk-usage": "A resumption PSK is for the application, unless it begins the group that its usage names",
  "12.1.5/version": "A ReInit does not go back to an older protocol version",
  "12.1.8/authorized": "The application takes up a proposal that a new member makes for itself",
  "12.2/add-new": "An Add adds no client that is in the group and stays there",
  "12.2/add-once": "No client is added twice",
  "12.2/committer-remove": "A committer does not remove itself",
  "12.2/committer-update": "A commit covers no Update of the committer",
  "12.2/external-init-once": "An external commit has one ExternalInit",
  "12.2/external-remove-once": "An external commit has at most one Remove",
  "12.2/external-types": "An external commit has ExternalInit, Remove and PreSharedKey proposals only",
  "12.2/no-external-init": "An ExternalInit is for external commits only",
  "12.2/one-change-per-leaf": "At most one Update or Remove applies to a leaf",
  "12.2/one-group-context-extensions": "A commit has at most one GroupContextExtensions",
  "12.2/psk-once": "No PSK is injected twice",
  "12.2/reinit-alone": "A ReInit is the only proposal of its commit",
  "12.2/type-supported": "All members that process a commit support the types of its proposals",

  // Commits, welcomes, external commits
  "12.4/path-required": "A commit has a path unless all its proposals do without",
  "12.4.3/group-info-signature": "The signature of a GroupInfo verifies under the key of the signer's leaf",
  "12.4.3.1/cipher-suite": "Welcome, GroupInfo and key package have one cipher suite",
  "12.4.3.1/decryption": "Group secrets and GroupInfo of a Welcome decrypt under the keys of the key package",
  "12.4.3.1/group-id-unique": "A client joins no group whose id is that of a group it is in",
  "12.4.3.1/joiner-secret-length": "The joiner secret has KDF.Nh octets",
  "12.4.3.1/key-package-ref": "A Welcome has one entry for a key package of the client",
  "12.4.3.1/one-origin": "A Welcome names at most one group that the new one follows",
  "12.4.3.1/origin-epoch": "A group that follows another is joined in epoch 1",
  "12.4.3.1/own-leaf": "The tree has the leaf of the key package, unchanged",
  "12.4.3.1/ratchet-tree": "The ratchet tree comes with the GroupInfo or apart from it",
  "12.4.3.1/signer": "The signer of a GroupInfo is a member",
  "12.4.3.1/version": "The protocol version of a GroupInfo is that of the key package",
  "12.4.3.2/authorized": "The application lets a client join by an external commit",
  "12.4.3.2/by-value": "An external commit has its proposals by value",
  "12.4.3.2/external-pub": "A GroupInfo for external commits gives the external public key",
  "14/own-commit": "A commit of this member is one that it made and remembers",

  // Update paths
  "7.4/path-secret-length": "A path secret has KDF.Nh octets",
  "7.5/derived-key": "The key derived from a path secret is the one that the update path or the tree shows",
  "7.6/ciphertext-count": "An update path has one ciphertext for each node of the copath resolution without new leaves",
  "7.6/path-secret-decryption": "The path secret decrypts under the member's key and the provisional group context",
  "7.6/path-length": "An update path has one node for each node of the sender's filtered direct path",
  "7.9.2/leaf-parent-hash": "The parent hash of the committer's leaf is that of the update path",
  "12.4.2/leaf-encryption-key": "The committer's new leaf has another encryption key than the old one",
  "12.4.2/psk-available": "The client has the PSKs that are injected",
  "12.4.2/path-keys-unique": "No public key of an update path appears elsewhere in it or in the new tree",

  // Framing
  "6/application-private": "Application messages are sent as PrivateMessage",
  "6.1/confirmation-tag": "The confirmation tag is the MAC of the confirmed transcript hash",
  "6.1/external-content": "An external sender sends proposals of the types allowed to it",
  "6.1/new-member-commit-content": "A new member that is no member yet commits with a path, and sends nothing else so",
  "6.1/new-member-proposal-content": "A new member proposes its own addition, and nothing else",
  "6.1/sender-key": "The sender's signature key is that of a member, an external sender or the message itself",
  "6.1/signature": "The signature of a message verifies under the key of its sender",
  "6.2/membership-tag": "The membership tag is the MAC of the message, whole",
  "6.3/decryption": "Sender data and content decrypt under the keys of the epoch and of the sender",
  "6.3.1/padding-zero": "Padding is all zero",
  "6.3.2/sender-leaf": "The leaf of a sender is not blank",

  // Key schedule and secret tree
  "8.1/last-epoch": "An epoch that a commit ends is not the last that can be counted",
  "8.3/kem-output": "The KEM output of an ExternalInit opens under the external key of the epoch",
  "8.4/psk-nonce-length": "The nonce of a PSK has KDF.Nh octets",
  "15.3/forward-distance": "A message is not further ahead in its ratchet than the policy allows",
} as const satisfies Readonly<Record<EncodingRule | `${number}${string}/${string}`, string>>;

export type RuleId = keyof typeof titles;

export interface Rule {
  readonly id: RuleId;
  /** `RFC 9420 §7.3`. */
  readonly section: string;
  readonly title: string;
}

/** All rules, in the order of the table in the documentation. */
export const rules: readonly Rule[] = Object.freeze(
  (Object.keys(titles) as RuleId[]).map((id) => Object.freeze({ id, section: sectionOf(id), title: titles[id] })),
);

/**
 * Refuses an input by a rule.
 * @throws TinyMlsError `code` with `rule` and `section`, always.
 */
export function refuse(rule: RuleId, detail?: string, code: ErrorCode = "invalid"): never {
  const message = detail === undefined ? titles[rule] : `${titles[rule]}: ${detail}`;
  throw new TinyMlsError(code, `Refused by ${rule}. ${message}`, {
    component: "mls",
    rule,
    section: sectionOf(rule),
  });
}
