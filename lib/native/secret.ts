import { inspect } from "node:util";
import { isUint8Array } from "node:util/types";
import { addon, type Bytes } from "./addon.js";
import { octetsOf } from "./batch.js";
import { check, usage } from "./fault.js";

interface SecretCalls {
  secretRandom(length: number): number;
  secretFrom(bytes: Bytes): number;
  secretConcat(...parts: (number | Bytes)[]): number;
  secretLength(secret: number): number;
  secretSlice(secret: number, start: number, end: number): number;
  secretEquals(a: number, b: number | Bytes): number;
  secretRead(secret: number, out: Bytes): number;
  wipe(bytes: Bytes): number;
  release(...handles: number[]): number;
  releaseCollected(handle: number): number;
  liveHandles(): number;
  collectedHandles(): number;
}
const native = addon<SecretCalls>();

/**
 * The handle of a `Secret`, for the other files of this folder: zero, which the addon refuses, once it is disposed, and for
 * everything else that untyped code passes for one.
 */
export let handleOf: (secret: Secret) => number;
/** A `Secret` of the handle that a native call answered. */
export let secretOf: (answer: number, operation: string) => Secret;
/** The same of a native call that writes `most` handles or fewer, a double each, into `out`, and answers how many. */
export let secretsOf: (most: number, operation: string, call: (out: Bytes) => number) => Secret[];
/** What a secret that was made with others holds on to with them. */
export let togetherOf: (secret: Secret) => MadeTogether | undefined;
/** `dispose` of several at once. */
export let disposeSecrets: (secrets: Iterable<Secret | undefined>) => void;

/** Where an object whose secret may be sealed under another key keeps its native handle. */
export const sealableHandle: unique symbol = Symbol("sealableHandle");

/** A secret of any kind (`Secret`, `PrivateKey`) that an AEAD takes as a plaintext without its bytes entering JavaScript. */
export interface Sealable {
  readonly byteLength: number;
  readonly [sealableHandle]: number;
}

// V8 keeps small arrays on its heap and moves one whose memory the addon asks for, leaving the old octets behind where no one can
// wipe them. So `Secret.from` reads them in JavaScript, through memory that stays where it is.
const small = new Uint8Array(new ArrayBuffer(64));

// A handle carries a generation, so releasing it late, after `dispose`, is refused and harmless: nothing is unregistered.
const collected = new FinalizationRegistry<number | readonly number[]>((handles) => {
  if (typeof handles === "number") native.releaseCollected(handles);
  else for (const handle of handles) native.releaseCollected(handle);
});

/**
 * Lets the addon free what `handle` names when `owner` is collected without having been disposed; where others were made with it, which
 * then all hold on to `together`, when all of them are.
 */
export function releaseWhenCollected(owner: object, handle: number, together?: MadeTogether): void {
  if (together === undefined) collected.register(owner, handle);
  else together.add(handle);
}

/**
 * What several owners hold on to that were made together: the addon frees what they left undisposed when all of them are collected. That
 * costs as much as for one of them.
 */
export class MadeTogether {
  readonly #handles: number[] = [];

  constructor() {
    collected.register(this, this.#handles);
  }

  add(handle: number): void {
    this.#handles.push(handle);
  }
}

/** Room for the handles that a call answers or may answer, so that most calls make none. */
const fewHandles = new Float64Array(1024);
const fewOctets = octetsOf(fewHandles);
const mostOfRelease = 16;

/** Frees what a handle names. Zero, the handle of what is disposed already, is let pass. */
export function release(handle: number, operation: string): void {
  if (handle !== 0) check(native.release(handle), operation);
}

/**
 * Bytes that live in locked native memory and never enter the JavaScript heap. It prints as its length alone, cannot be
 * serialised, and a clone of it by `structuredClone` or `postMessage` is an empty object.
 *
 * Dispose it when done; one that is collected undisposed is wiped then.
 */
export class Secret implements Sealable {
  #handle: number;
  readonly #together: MadeTogether | undefined;

  static {
    handleOf = (secret: unknown) =>
      typeof secret === "object" && secret !== null && #handle in secret ? secret.#handle : 0;
    togetherOf = (secret) => secret.#together;
    secretOf = (answer, operation) => new Secret(answer, operation);
    secretsOf = (most, operation, call) => {
      const isFew = most <= fewHandles.length;
      const handles = isFew ? fewHandles : new Float64Array(most);
      const count = check(call(isFew ? fewOctets.subarray(0, 8 * most) : octetsOf(handles)), operation);
      const secrets: Secret[] = [];
      if (count === 0) return secrets;
      const together = new MadeTogether();
      for (let at = 0; at < count; at++) secrets.push(new Secret(handles[at]!, operation, together));
      return secrets;
    };
    disposeSecrets = (secrets) => {
      const handles: number[] = [];
      for (const secret of secrets) {
        if (secret === undefined || secret.#handle === 0) continue;
        handles.push(secret.#handle);
        secret.#handle = 0;
      }
      for (let at = 0; at < handles.length; at += mostOfRelease) {
        check(native.release(...handles.slice(at, at + mostOfRelease)), "Secret.dispose");
      }
    };
  }

  private constructor(answer: number, operation: string, together?: MadeTogether) {
    this.#handle = check(answer, operation);
    this.#together = together;
    releaseWhenCollected(this, answer, this.#together);
  }

  /** `length` bytes of OpenSSL's private DRBG. */
  static random(length: number): Secret {
    return new Secret(native.secretRandom(length), "Secret.random");
  }

  /** A copy of `bytes`. The caller's bytes stay as they are: wipe them (`wipe`) when they are secret. */
  static from(bytes: Bytes): Secret {
    if (!isUint8Array(bytes) || bytes.byteLength === 0 || bytes.byteLength > small.length)
      return new Secret(native.secretFrom(bytes), "Secret.from");
    const scratch = small.subarray(0, bytes.byteLength);
    try {
      scratch.set(bytes);
      return new Secret(native.secretFrom(scratch), "Secret.from");
    } finally {
      scratch.fill(0);
    }
  }

  /** The parts, one after the other. */
  static concat(parts: readonly (Sealable | Bytes)[]): Secret {
    if (!Array.isArray(parts)) throw usage("Secret.concat", "the parts are an array");
    let joined = new Secret(native.secretConcat(...parts.slice(0, 16).map(sealableOrBytes)), "Secret.concat");
    for (let next = 16; next < parts.length; next += 15) {
      const before = joined;
      try {
        const more = parts.slice(next, next + 15).map(sealableOrBytes);
        joined = new Secret(native.secretConcat(before.#handle, ...more), "Secret.concat");
      } finally {
        before.dispose();
      }
    }
    return joined;
  }

  /** @internal */
  get [sealableHandle](): number {
    return this.#handle;
  }

  /** Octets. */
  get byteLength(): number {
    return check(native.secretLength(this.#handle), "Secret.byteLength");
  }

  /** A secret of its own with the octets from `start` to before `end`; neither may lie outside. */
  slice(start: number, end?: number): Secret {
    const last = end ?? check(native.secretLength(this.#handle), "Secret.slice");
    return new Secret(native.secretSlice(this.#handle, start, last), "Secret.slice");
  }

  /** A secret of its own with the same octets. */
  clone(): Secret {
    const length = check(native.secretLength(this.#handle), "Secret.clone");
    return new Secret(native.secretSlice(this.#handle, 0, length), "Secret.clone");
  }

  /** Whether `other` has the same octets, in time that depends on the lengths alone. */
  equals(other: Secret | Bytes): boolean {
    return check(native.secretEquals(this.#handle, secretOrBytes(other)), "Secret.equals") === 1;
  }

  /** Wipes and frees the octets. Disposing twice is disposing once; any other use afterwards is a `usage` error. */
  dispose(): void {
    const handle = this.#handle;
    this.#handle = 0;
    release(handle, "Secret.dispose");
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** Always throws: a secret does not belong in JSON. */
  toJSON(): never {
    throw usage("Secret.toJSON", "a secret cannot be serialised");
  }

  [inspect.custom](): string {
    const length = native.secretLength(this.#handle);
    return length < 0 ? "Secret { disposed }" : `Secret { ${length} bytes }`;
  }
}

/** What the addon takes for a key, a salt or a nonce: the handle of a secret, or bytes as they are. */
export function secretOrBytes(value: Secret | Bytes): number | Bytes {
  return value instanceof Secret ? handleOf(value) : value;
}

/** What the addon takes for a plaintext: the handle of a secret of any kind, or bytes as they are. Zero, which it refuses, for what is neither. */
export function sealableOrBytes(value: Sealable | Bytes): number | Bytes {
  return isUint8Array(value) ? value : ((value as Partial<Sealable> | null | undefined)?.[sealableHandle] ?? 0);
}

/**
 * Reads a struct out of a secret: `read` gets a scratch copy, which is wiped on every way out. It must keep no view of it and
 * return no promise; what stays secret goes into a `Secret` of its own.
 */
export function decodeSecret<T>(secret: Secret, read: (scratch: Bytes) => T): T {
  const handle = handleOf(secret);
  const scratch = new Uint8Array(new ArrayBuffer(check(native.secretLength(handle), "decodeSecret")));
  try {
    check(native.secretRead(handle, scratch), "decodeSecret");
    return read(scratch);
  } finally {
    native.wipe(scratch);
  }
}

/** Native objects of every kind that this thread holds and has not let go of: for tests and for health. */
export function liveHandles(): number {
  return check(native.liveHandles(), "liveHandles");
}

/**
 * Native objects that this thread left to the garbage collector instead of disposing of them, so far. With {@link liveHandles} it
 * makes a sum that changes only where an object is made or disposed of, whenever the collector runs.
 */
export function collectedHandles(): number {
  return check(native.collectedHandles(), "collectedHandles");
}
