import { EventEmitter } from "node:events";
import { inspect, types } from "node:util";
import type { TinyMlsError } from "../errors.js";
import type { Bytes } from "../native/addon.js";
import { handleOf, release, releaseWhenCollected, Secret } from "../native/secret.js";
import { closedFault, native, news, openFrame, sealFrame } from "./addon.js";
import { Batch, Kind, mixedBatch, type Operation, type OperationResult } from "./batch.js";
import { fetchEvents, securityCodes, SecurityLog, type ContextEvents } from "./events.js";
import { checked, contextError } from "./faults.js";
import type { Fleet } from "./fleet/fleet.js";
import type { FleetOptions } from "./fleet/options.js";
import { FRAME_OVERHEAD } from "./frame.js";
import { lookAfter } from "./housekeeping.js";
import { healthOf, type ContextHealth, type ContextState } from "./health.js";
import { readMetrics, type ContextMetrics } from "./metrics.js";
import { Opened } from "./opened.js";
import { bytesOf, wrongArguments, wrongRotation } from "./arguments.js";
import { createKeyring, drawEntropy, gcIntervalOf, loggerOf, nameOf, usage, type ContextOptions } from "./options.js";
import { DecryptStream, EncryptStream, type DecryptStreamOptions, type EncryptStreamOptions } from "./stream.js";
import { tokenOf, type ContextToken } from "./token.js";

interface Aad {
  /** Data that is authenticated along, not sent: both sides name the same. */
  readonly aad?: Bytes | undefined;
}

const none = new Uint8Array(0);
const whole = (data: Buffer): Buffer => data;
const rotateOperation = "Context.rotateKey";

/**
 * An epoch-rotating, ratcheting AEAD. Keys live in native memory. All operations throw a `TinyMlsError`: `closed` after `close()`,
 * `usage` for arguments that are wrong; opening `malformed`, `undecryptable`, `expired` or `invalid` (rule `suite`, `replay` or
 * `ahead`); sealing `exhausted` in the last epoch. A refused frame changes nothing.
 *
 * Events: `rotate`, `expire`, `security`, `error`, `close`. Those that another thread caused are seen with the next operation of this
 * one, or within `gcInterval`. `error` is emitted only while there is a listener. A Context that nothing holds but its own listeners can be
 * collected, and tells nothing then. More in docs/context.md.
 */
export class Context extends EventEmitter<ContextEvents> implements Disposable {
  #handle = undefined as unknown as number; // held no number first, so that the engine does not box one for each call
  #activity: ContextState = "ready";
  #pending = 0;
  #final: ContextMetrics | undefined;
  #lastError: TinyMlsError | undefined;
  #troubled = false;
  readonly #fleet: Fleet | undefined;
  readonly #log: SecurityLog | undefined;
  readonly #entropySource: (() => Bytes) | undefined;
  readonly name: string | undefined;
  /** Milliseconds. @internal */
  readonly gcInterval: number;

  constructor(options: ContextOptions = {}) {
    super();
    const opened = (options as unknown) instanceof Opened ? (options as unknown as Opened) : undefined;
    const { gcInterval, name, logger } = opened?.options ?? options;
    this.gcInterval = gcIntervalOf(gcInterval);
    this.name = nameOf(name);
    const log = loggerOf(logger);
    this.#log = log && new SecurityLog(log, name);
    this.#entropySource = options.entropySource;
    this.#handle = opened?.handle ?? createKeyring(options);
    this.#fleet = opened?.fleet;
    this.#fleet?.join({ changed: () => this.#drain(), report: (error) => this.#report(error) });
    releaseWhenCollected(this, this.#handle);
    lookAfter(this);
  }

  /**
   * A Context whose epochs are shared by all that open the same name in one storage: a frame sealed by one opens for the others. Machines
   * follow each other's rotations; see docs/fleets.md. Close it: a watch on the storage keeps it alive.
   *
   * @throws TinyMlsError `usage` for options that make no sense, `config` where the fleet was made with others; what `Vault.open` throws;
   *   `storage`, `missing` and `invalid` with the record in `path`
   */
  static async open(options: FleetOptions): Promise<Context> {
    return new Context((await Opened.fleet(options)) as object);
  }

  /**
   * The same native state from another thread: keys, epochs, sequence numbers and counters are one. Closing it closes it for all;
   * `detach` lets go of it for this thread alone, and so does the end of the thread.
   *
   * @throws TinyMlsError `closed` when the Context is closed or collected, or the token is not of this process
   */
  static attach(token: ContextToken, options: Pick<ContextOptions, "gcInterval" | "name" | "logger"> = {}): Context {
    return new Context(Opened.attach(token, options) as object);
  }

  /**
   * What `Context.attach` takes in another thread of this process: it can be posted as a message. It names the Context and keeps it not alive;
   * it holds no key. Whoever has it can use the Context.
   */
  share(): ContextToken {
    return tokenOf((out) => this.#checked(native.contextShare(this.#handle, out), "Context.share"), this);
  }

  /** The current epoch. */
  get epoch(): number {
    return this.#final?.epoch ?? checked(native.contextEpoch(this.#handle), "Context.epoch");
  }

  get state(): ContextState {
    if (this.#handle === 0 || native.contextClosed(this.#handle) !== 0) return "closed";
    return this.#activity === "ready" && this.#pending > 0 ? "processing" : this.#activity;
  }

  /** A frame of `FRAME_OVERHEAD` octets more than the plaintext. Text is sealed as UTF-8. */
  encrypt(plaintext: Bytes | string, options?: Aad): Buffer {
    const operation = "Context.encrypt";
    const text = bytesOf(plaintext, operation, "plaintext");
    const out = Buffer.allocUnsafe(text.length + FRAME_OVERHEAD);
    const written = sealFrame(this.#handle, text, out, options?.aad);
    if (!(written >= 0 && written < news)) this.#settle(written, operation, text, out, options?.aad);
    return out;
  }

  /** @throws TinyMlsError `malformed`, `undecryptable`, `expired`, `closed`; `invalid` with rule `replay` or `ahead` */
  decrypt(frame: Bytes, options?: Aad): Buffer {
    const operation = "Context.decrypt";
    if (!types.isUint8Array(frame)) throw usage(operation, "frame must be a Uint8Array");
    const out = Buffer.allocUnsafe(Math.max(0, frame.length - FRAME_OVERHEAD));
    const written = openFrame(this.#handle, frame, out, options?.aad);
    if (!(written >= 0 && written < news)) this.#settle(written, operation, frame, out, options?.aad);
    return out;
  }

  /**
   * Seals into `out`, which holds `FRAME_OVERHEAD` octets more than the plaintext, or more than that, and shares no memory with it; or else the
   * plaintext is `out.subarray(23, 23 + length)`, in place. Answers the octets written. On an error `out` is untouched or wiped.
   */
  encryptInto(plaintext: Bytes, out: Bytes, aad?: Bytes): number {
    const written = sealFrame(this.#handle, plaintext, out, aad);
    if (written >= 0 && written < news) return written;
    return this.#settle(written, "Context.encryptInto", plaintext, out, aad);
  }

  /** Opens into `out`, which holds at least the plaintext and shares no memory with the frame, or is `frame.subarray(23)`. */
  decryptInto(frame: Bytes, out: Bytes, aad?: Bytes): number {
    const written = openFrame(this.#handle, frame, out, aad);
    if (written >= 0 && written < news) return written;
    return this.#settle(written, "Context.decryptInto", frame, out, aad);
  }

  /** One frame for each plaintext, in one native call. The frames share one piece of memory. */
  encryptBatch(plaintexts: readonly Bytes[], options?: { aad?: Bytes | readonly (Bytes | undefined)[] }): Buffer[] {
    const operation = "Context.encryptBatch";
    return this.#batch(operation, Kind.Encrypt, plaintexts, options?.aad, whole, (error) => {
      throw this.#failed(error);
    });
  }

  /** A plaintext or an error for each frame: a bad frame does not hurt the rest. The plaintexts share one piece of memory. */
  decryptBatch(
    frames: readonly Bytes[],
    options?: { aad?: Bytes | readonly (Bytes | undefined)[] },
  ): (Buffer | TinyMlsError)[] {
    const operation = "Context.decryptBatch";
    return this.#batch<Buffer | TinyMlsError>(operation, Kind.Decrypt, frames, options?.aad, whole, (error) =>
      this.#failed(error),
    );
  }

  /** Many operations at once, in parallel and off the event loop. They have no order among each other; the results have. */
  async processBatch(operations: readonly Operation[]): Promise<OperationResult[]> {
    const operation = "Context.processBatch";
    const batch = mixedBatch(operation, operations);
    await this.#process(batch, operation);
    return batch.results<OperationResult>(
      (data) => ({ ok: true, data }),
      (error) => ({ ok: false, error: this.#failed(error) }),
    );
  }

  /** `encrypt` off the event loop, for large plaintexts. The plaintext is copied first. */
  encryptAsync(plaintext: Bytes | string, options?: Aad): Promise<Buffer> {
    return this.#one("Context.encryptAsync", Kind.Encrypt, plaintext, options?.aad);
  }

  /** `decrypt` off the event loop, for large frames. The frame is copied first. */
  decryptAsync(frame: Bytes, options?: Aad): Promise<Buffer> {
    return this.#one("Context.decryptAsync", Kind.Decrypt, frame, options?.aad);
  }

  /** A Transform that seals a stream of any length in constant memory; what it writes is described in docs/context.md. */
  createEncryptStream(options: EncryptStreamOptions = {}): EncryptStream {
    return new EncryptStream(this, options);
  }

  /**
   * The Transform that opens it again. Reordered, dropped, repeated, foreign and missing chunks are errors of the stream; the whole is known to
   * be complete when the stream has ended without one.
   */
  createDecryptStream(options: DecryptStreamOptions = {}): DecryptStream {
    return new DecryptStream(this, options);
  }

  /**
   * Opens the next epoch, and answers its number. Frames of earlier ones can be opened until they expire.
   *
   * @param options.entropy mixed into the new epoch; refused (`usage`) with a shared secret, since peers could not follow
   */
  rotateKey(options?: { entropy?: Bytes }): number {
    const entropy = options?.entropy;
    if (entropy !== undefined && !types.isUint8Array(entropy))
      throw usage(rotateOperation, "entropy must be a Uint8Array");
    this.#activity = "rotating";
    try {
      this.#stir();
      using secret = entropy?.byteLength ? Secret.from(entropy) : undefined;
      const epoch = native.contextRotate(this.#handle, secret && handleOf(secret));
      return this.#checked(epoch, rotateOperation, () => wrongRotation(entropy));
    } finally {
      this.#activity = "ready";
      this.#drain();
    }
  }

  /** As `rotateKey`, for a fleet too: the new epoch is stored then, and seals as soon as all had time to hear of it, 2 s at most. */
  async rotate(options?: { entropy?: Bytes }): Promise<number> {
    if (this.#fleet === undefined || this.#handle === 0) return this.rotateKey(options);
    const entropy = bytesOf(options?.entropy ?? none, "Context.rotate", "entropy");
    return await this.#fleet.rotate("requested", entropy);
  }

  /** State, age and limits, for a health check. */
  health(): ContextHealth {
    return healthOf(this.metrics(), this.state, this.#troubled || this.#fleet?.troubled === true, this.#lastError);
  }

  /** Counters of all threads that share this Context; after `close` those of that moment. */
  metrics(): ContextMetrics {
    if (this.#final) return this.#final;
    const metrics = readMetrics(this.#handle, this.name);
    if (typeof metrics === "number") throw contextError(metrics, "Context.metrics");
    return metrics;
  }

  /**
   * Wipes all keys, for all threads that share this Context, and waits for none: an operation that runs elsewhere ends with `closed` or with a
   * whole result. Closing twice is closing once.
   */
  close(): void {
    if (this.#handle === 0) return;
    native.contextClose(this.#handle);
    this.#drain();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Lets go of a shared Context for this thread alone: here it is closed from now on, the other threads keep it. */
  detach(): void {
    if (this.#handle !== 0) this.#letGo();
  }

  /** Erases what expired and rotates when that is due; the thread's timer calls it. @internal */
  tend(): boolean {
    if (this.#handle === 0) return false;
    const answer = native.contextCollect(this.#handle);
    this.#troubled = answer < 0;
    if (answer < 0) this.#report(contextError(answer, "Context.collect"));
    if (answer !== 0) this.#drain();
    this.#fleet?.tend();
    return this.#handle !== 0;
  }

  [inspect.custom](): string {
    return `Context { ${[this.name, this.state, `epoch ${this.epoch}`].filter(Boolean).join(", ")} }`;
  }

  /** Always throws: a Context does not belong in JSON. */
  toJSON(): never {
    throw usage("Context.toJSON", "a Context cannot be serialised");
  }

  #batch<T>(
    operation: string,
    kind: Kind,
    texts: readonly Bytes[],
    aad: Bytes | readonly (Bytes | undefined)[] | undefined,
    succeeded: (data: Buffer) => T,
    failed: (error: TinyMlsError) => T,
  ): T[] {
    const batch = new Batch(operation, kind, texts, aad);
    const answer = native.contextBatch(this.#handle, ...batch.arrays);
    if (answer !== 0) this.#settle(answer < 0 ? answer : news, operation);
    return batch.results(succeeded, failed);
  }

  async #one(operation: string, kind: Kind, data: Bytes | string, aad: Bytes | undefined): Promise<Buffer> {
    const batch = new Batch(operation, kind, [bytesOf(data, operation, "data")], [aad]);
    await this.#process(batch, operation);
    return batch.results(whole, (error): Buffer => {
      throw this.#failed(error);
    })[0]!;
  }

  async #process(batch: Batch, operation: string): Promise<void> {
    ++this.#pending;
    try {
      this.#checked(await native.contextProcess(this.#handle, ...batch.arrays), operation);
    } finally {
      --this.#pending;
      this.#drain();
    }
  }

  // The uncommon ends of an operation: a fault, or events to fetch.
  #settle(answer: number, operation: string, input?: Bytes, out?: Bytes, aad?: Bytes): number {
    if (answer >= news) {
      this.#drain();
      return answer - news;
    }
    const error = this.#error(answer, operation, () => wrongArguments(operation, input, out, aad));
    this.#drain();
    throw this.#failed(error);
  }

  #error(answer: number, operation: string, explain?: () => string | undefined): TinyMlsError {
    return contextError(this.#handle === 0 ? closedFault : answer, operation, explain);
  }

  #checked(answer: number, operation: string, explain?: () => string | undefined): number {
    if (answer >= 0) return answer;
    throw this.#failed(this.#error(answer, operation, explain));
  }

  // Notes a refusal, and tells those who watch.
  #failed(error: TinyMlsError): TinyMlsError {
    this.#lastError = error;
    this.#fleet?.heed(error.code);
    if (!securityCodes.has(error.code)) return error;
    this.#log?.refused(error);
    const { code, rule, operation = "" } = error;
    if (this.listenerCount("security") > 0) this.#show(() => this.emit("security", { code, rule, operation, error }));
    return error;
  }

  // A failure that no caller sees.
  #report(error: TinyMlsError): void {
    this.#lastError = error;
    this.#log?.error(error);
    if (this.listenerCount("error") > 0) this.#show(() => this.emit("error", error));
  }

  // The state is `error` while those who watch look.
  #show(tell: () => void): void {
    const before = this.#activity;
    this.#activity = "error";
    try {
      tell();
    } finally {
      this.#activity = before;
    }
  }

  #stir(): void {
    if (this.#entropySource === undefined || this.#handle === 0) return;
    using entropy = drawEntropy(this.#entropySource);
    this.#checked(native.contextStir(this.#handle, handleOf(entropy)), rotateOperation);
  }

  #drain(): void {
    if (this.#handle === 0) return;
    for (const event of fetchEvents(this.#handle)) {
      this.#log?.event(event);
      if (event.kind === "close") {
        this.#letGo();
        if (event.fault !== 0) this.#report(contextError(-event.fault, "Context"));
        this.emit("close");
      } else if (event.kind === "expire") {
        this.emit("expire", { epoch: event.epoch });
      } else {
        if (event.reason !== "requested") this.#stirAgain();
        this.emit("rotate", { epoch: event.epoch, reason: event.reason });
      }
    }
  }

  // The addon rotates by itself and cannot ask the entropy source then, so that it is given the entropy for the next time.
  #stirAgain(): void {
    try {
      this.#stir();
    } catch (error) {
      this.#report(error as TinyMlsError);
    }
  }

  #letGo(): void {
    const metrics = readMetrics(this.#handle, this.name);
    if (typeof metrics !== "number") this.#final = { ...metrics, closed: true };
    const handle = this.#handle;
    this.#handle = 0;
    this.#fleet?.close();
    release(handle, "Context.close");
  }
}
