/** RFC 9420 §8, table of epoch-derived secrets. */
import { TinyMlsError } from "../../errors.js";
import type { PrivateKey } from "../../native/keys.js";
import { decodeSecret, disposeSecrets, Secret } from "../../native/secret.js";
import type { Suite } from "../suite/index.js";
import { joinerSecret, withMemberSecret, type JoinerInputs } from "./key-schedule.js";

type Bytes = Uint8Array;

const labels = {
  initSecret: "init",
  senderDataSecret: "sender data",
  encryptionSecret: "encryption",
  exporterSecret: "exporter",
  externalSecret: "external",
  confirmationKey: "confirm",
  membershipKey: "membership",
  resumptionPsk: "resumption",
  epochAuthenticator: "authentication",
} as const;

/** A secret of an epoch, by its name in RFC 9420 §8. */
export type EpochSecretName = keyof typeof labels;

export const epochSecretNames: readonly EpochSecretName[] = Object.keys(labels) as EpochSecretName[];
const epochSecretLabels: readonly string[] = Object.values(labels);

type Held = Record<EpochSecretName, Secret | undefined>;

// A literal and no Map: every message looks one up, in a process of many groups mostly where no cache has them.
const noSecrets = (): Held => ({
  initSecret: undefined,
  senderDataSecret: undefined,
  encryptionSecret: undefined,
  exporterSecret: undefined,
  externalSecret: undefined,
  confirmationKey: undefined,
  membershipKey: undefined,
  resumptionPsk: undefined,
  epochAuthenticator: undefined,
});

/** Secrets of an epoch in one, in the order of their names. */
interface JoinedSecrets {
  readonly names: readonly EpochSecretName[];
  readonly joined: Secret;
}

/**
 * The secrets of one epoch. It owns them: getters lend a handle, {@link take} gives it away, {@link erase} and
 * {@link dispose} wipe. A secret that is taken or erased cannot be had again (`closed`).
 *
 * `initSecret` is consumed by the next epoch: erase it when that one is merged. A past epoch that is kept for late messages
 * needs `senderDataSecret` alone: {@link retain} erases the rest.
 */
export class EpochSecrets {
  readonly suite: Suite;
  #secrets: Held;
  /** As they came from storage, until one is erased: what is not asked for needs no handle of its own. */
  #stored: JoinedSecrets | undefined;
  #externalKeyPair: PrivateKey | undefined;

  private constructor(suite: Suite, secrets: Held) {
    this.suite = suite;
    this.#secrets = secrets;
  }

  /** The epoch that a commit begins. `pskSecret` undefined: no PSK. Nothing that is passed in is disposed. */
  static fromCommit(suite: Suite, inputs: JoinerInputs & { readonly pskSecret: Secret | undefined }): EpochSecrets {
    const joiner = joinerSecret(suite, inputs);
    try {
      return EpochSecrets.fromJoiner(suite, joiner, inputs.pskSecret, inputs.groupContext);
    } finally {
      joiner.dispose();
    }
  }

  /** The same from the joiner secret, as a new member has it and as a committer who writes a Welcome does. */
  static fromJoiner(suite: Suite, joiner: Secret, pskSecret: Secret | undefined, groupContext: Bytes): EpochSecrets {
    return withMemberSecret(suite, joiner, pskSecret, (memberSecret) => {
      const epochSecret = suite.expandWithLabel(memberSecret, "epoch", groupContext, suite.Nh);
      return EpochSecrets.#derive(suite, epochSecret);
    });
  }

  /** RFC 9420 §11: epoch 0 of a new group, from a fresh epoch_secret. */
  static forNewGroup(suite: Suite): EpochSecrets {
    return EpochSecrets.#derive(suite, Secret.random(suite.Nh));
  }

  /** From the secrets of {@link entries} in one, say of storage, and their names. Takes it over, also when it throws. */
  static restore(suite: Suite, names: readonly EpochSecretName[], joined: Secret): EpochSecrets {
    const epoch = new EpochSecrets(suite, noSecrets());
    epoch.#stored = { names, joined };
    const isSound = names.every((name, at) => Object.hasOwn(labels, name) && names.indexOf(name) === at);
    if (isSound && joined.byteLength === names.length * suite.Nh) return epoch;
    epoch.dispose();
    throw new TinyMlsError("malformed", "not the secrets of an epoch", { operation: "restore", component: "mls" });
  }

  static #derive(suite: Suite, epochSecret: Secret): EpochSecrets {
    try {
      const secrets = noSecrets();
      const derived = suite.deriveSecrets(epochSecret, epochSecretLabels);
      epochSecretNames.forEach((name, at) => (secrets[name] = derived[at]));
      return new EpochSecrets(suite, secrets);
    } finally {
      epochSecret.dispose();
    }
  }

  get initSecret(): Secret {
    return this.#lend("initSecret");
  }
  get senderDataSecret(): Secret {
    return this.#lend("senderDataSecret");
  }
  get exporterSecret(): Secret {
    return this.#lend("exporterSecret");
  }
  get confirmationKey(): Secret {
    return this.#lend("confirmationKey");
  }
  get membershipKey(): Secret {
    return this.#lend("membershipKey");
  }
  get resumptionPsk(): Secret {
    return this.#lend("resumptionPsk");
  }

  /** The key pair that external commits of this epoch are made for. Lent; derived when it is first asked for. */
  get externalKeyPair(): PrivateKey {
    this.#externalKeyPair ??= this.suite.deriveKeyPair(this.#lend("externalSecret"));
    return this.#externalKeyPair;
  }

  /** Lends the same for one call, and keeps none where there was none: an input that is refused leaves nothing behind. */
  withExternalKeyPair<T>(use: (keyPair: PrivateKey) => T): T {
    if (this.#externalKeyPair !== undefined) return use(this.#externalKeyPair);
    const keyPair = this.suite.deriveKeyPair(this.#lend("externalSecret"));
    try {
      return use(keyPair);
    } finally {
      keyPair.dispose();
    }
  }

  /** RFC 9420 §8.7: for people and protocols to compare, so as bytes. */
  epochAuthenticator(): Buffer {
    return decodeSecret(this.#lend("epochAuthenticator"), (bytes) => Buffer.from(bytes));
  }

  has(name: EpochSecretName): boolean {
    return this.#secrets[name] !== undefined || this.#stored?.names.includes(name) === true;
  }

  /** Gives a secret away: the caller disposes it. `encryptionSecret` goes to the secret tree like this. */
  take(name: EpochSecretName): Secret {
    const secret = this.#lend(name);
    this.#separate();
    this.#secrets[name] = undefined;
    return secret;
  }

  /** Wipes what is consumed. Erasing twice is erasing once. */
  erase(...names: readonly EpochSecretName[]): void {
    this.#separate(names);
    disposeSecrets(names.map((name) => this.#secrets[name]));
    for (const name of names) this.#secrets[name] = undefined;
    if (names.includes("externalSecret")) this.#eraseExternalKeyPair();
  }

  /** Wipes all but these. */
  retain(...names: readonly EpochSecretName[]): void {
    this.erase(...epochSecretNames.filter((name) => !names.includes(name)));
  }

  /** What there still is, lent: for storage, which seals each under a key of its own. */
  entries(): [EpochSecretName, Secret][] {
    this.#separate();
    return epochSecretNames.flatMap((name) => {
      const secret = this.#secrets[name];
      return secret === undefined ? [] : [[name, secret]];
    });
  }

  dispose(): void {
    disposeSecrets([...Object.values(this.#secrets), this.#stored?.joined]);
    this.#secrets = noSecrets();
    this.#stored = undefined;
    this.#eraseExternalKeyPair();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #lend(name: EpochSecretName): Secret {
    const secret = this.#secrets[name] ?? this.#split(name);
    if (secret !== undefined) return secret;
    throw new TinyMlsError("closed", `${name} of this epoch is erased`, { component: "mls" });
  }

  /** Gives a secret that is stored with others a handle of its own. */
  #split(name: EpochSecretName): Secret | undefined {
    if (this.#stored === undefined) return undefined;
    const { names, joined } = this.#stored;
    const start = names.indexOf(name) * this.suite.Nh;
    return start < 0 ? undefined : (this.#secrets[name] = joined.slice(start, start + this.suite.Nh));
  }

  /** Before some are gone: what holds them all goes with them, and the others have handles of their own. */
  #separate(gone: readonly EpochSecretName[] = []): void {
    if (this.#stored === undefined) return;
    const { names, joined } = this.#stored;
    for (const name of names) if (!gone.includes(name)) this.#secrets[name] ??= this.#split(name);
    this.#stored = undefined;
    joined.dispose();
  }

  #eraseExternalKeyPair(): void {
    this.#externalKeyPair?.dispose();
    this.#externalKeyPair = undefined;
  }
}
