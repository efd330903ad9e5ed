// Notes every secret that the MLS layer derives or opens, so that memory can be searched for it later.
import { Suite } from "#dist/mls/suite/suite.js";
import { decodeSecret } from "#dist/native/secret.js";
import { aead, type PrivateKey, Secret } from "tinymls/crypto";
import { Needle, occurrences, occurrencesInOctets } from "./scan.js";

interface Noted {
  readonly what: string;
  readonly needle: Needle;
}

/** Shown to everyone who asks, so no secret. */
const shown: ReadonlySet<string> = new Set(["authentication", "nonce", "sender data nonce", "welcome nonce"]);

const handleMethods = [
  "extract",
  "decryptWithLabel",
  "openSecret",
  "externalInitReceiver",
  "generateHpkeKeyPair",
  "deriveKeyPair",
] as const;

type Handle = Secret | PrivateKey;
type Call = (this: Suite, ...inputs: unknown[]) => unknown;
const prototype = Suite.prototype as unknown as Record<string, Call>;

export class SecretRecorder {
  #noted: Noted[] = [];
  readonly #originals = new Map<string, Call>();
  readonly #random = Secret.random.bind(Secret);
  readonly #wrapping = Secret.random(32);

  start(): void {
    for (const method of handleMethods) this.#after(method, (value) => this.note(method, value as Handle));
    this.#after("deriveKeyPairs", (pending) => {
      // Noted before the caller has them; that none come is for the caller to see.
      const noteEach = (keys: PrivateKey[]): void => keys.forEach((key) => this.note("deriveKeyPair", key));
      void (pending as Promise<PrivateKey[]>).then(noteEach, () => undefined);
    });
    this.#after("expandWithLabel", (value, [, label]) => this.note(label as string, value as Secret));
    this.#after("stepWithLabel", (_, [secret, label]) => this.note(label as string, secret as Secret));
    this.#after("deriveSecrets", (values, [, labels]) => {
      (labels as string[]).forEach((label, index) => this.note(label, (values as Secret[])[index]!));
    });
    this.#after("externalInitSender", (made) => {
      this.note("externalInitSender", (made as { initSecret: Secret }).initSecret);
    });
    // What they seal and open under is derived, used and wiped natively.
    for (const method of ["sealExpanded", "openExpanded"])
      this.#after(method, (_, [secret, context], suite) => {
        using key = suite.expandWithLabel(secret as Secret, "key", context as Uint8Array, suite.Nk);
        this.note("message key", key);
      });
    Secret.random = (length) => {
      const secret = this.#random(length);
      this.note("random", secret);
      return secret;
    };
  }

  /** Notes what a method of suites gave, from what it was given. */
  #after(method: string, note: (value: unknown, inputs: unknown[], suite: Suite) => void): void {
    const original = prototype[method]!;
    this.#originals.set(method, original);
    prototype[method] = function (...inputs) {
      const value = original.apply(this, inputs);
      note(value, inputs, this);
      return value;
    };
  }

  stop(): void {
    for (const [method, original] of this.#originals) prototype[method] = original;
    Secret.random = this.#random;
    this.#wrapping.dispose();
  }

  /** How many were noted so far. */
  get count(): number {
    return this.#noted.length;
  }

  /** How often each kind of those noted from `from` to before `to` is in memory now; kinds that are nowhere are left out. */
  found(from = 0, to = this.#noted.length): Record<string, number> {
    return foundBy(occurrences, this.#noted.slice(from, to));
  }

  /** The same of all that were noted, in octets. */
  foundIn(pieces: readonly Uint8Array[]): Record<string, number> {
    return foundBy((needles) => occurrencesInOctets(needles, pieces), this.#noted);
  }

  /** How often each kind was noted. */
  get kinds(): Record<string, number> {
    const kinds: Record<string, number> = {};
    for (const { what } of this.#noted) kinds[what] = (kinds[what] ?? 0) + 1;
    return kinds;
  }

  /** Notes one more, besides those that come from the layers below. */
  note(what: string, value: Handle): void {
    if (shown.has(what) || value.byteLength < 16) return;
    if (value instanceof Secret) {
      this.#noted.push({ what, needle: decodeSecret(value, (octets) => new Needle(octets)) });
      return;
    }
    const nonce = Buffer.alloc(12);
    const sealed = aead.seal("AES-256-GCM", this.#wrapping, nonce, nonce, value);
    const raw = aead.openSecret("AES-256-GCM", this.#wrapping, nonce, nonce, sealed);
    this.#noted.push({ what, needle: decodeSecret(raw, (octets) => new Needle(octets)) });
    // As OpenSSL has numbers, on machines whose words begin with the last octet.
    const number = decodeSecret(raw, (octets) => new Needle(octets, true));
    this.#noted.push({ what: `${what}, as a number`, needle: number });
    raw.dispose();
  }
}

function foundBy(count: (needles: Needle[]) => number[], wanted: readonly Noted[]): Record<string, number> {
  const found: Record<string, number> = {};
  count(wanted.map(({ needle }) => needle)).forEach((times, i) => {
    const { what } = wanted[i]!;
    if (times > 0) found[what] = (found[what] ?? 0) + 1;
  });
  return found;
}
