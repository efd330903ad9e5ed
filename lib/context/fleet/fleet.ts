import { TinyMlsError, type ErrorCode } from "../../errors.js";
import type { Bytes } from "../../native/addon.js";
import { hkdf } from "../../native/kdf.js";
import { randomBytes } from "../../native/random.js";
import { handleOf, release, Secret } from "../../native/secret.js";
import { Vault } from "../../storage/vault/vault.js";
import { native } from "../addon.js";
import { fetchEvents, type RotationReason } from "../events.js";
import { checked } from "../faults.js";
import { createKeyring, drawEntropy, fleetTermsOf, gcIntervalOf, keyringNumbers } from "../options.js";
import { fleetOptions, type FleetOptions } from "./options.js";
import { FleetRecords, type EpochRecord, type FleetTerms, type Head } from "./records.js";

/** The Context that a fleet keeps in epochs. */
export interface FleetHost {
  /** The key ring has news. */
  changed(): void;
  /** A failure that no caller sees. */
  report(error: TinyMlsError): void;
}

const reasons: Readonly<Record<RotationReason, number>> = { requested: 0, schedule: 1, limit: 2, followed: 3 };

/** An epoch is known everywhere before anyone seals under it: so long after it began, at most. */
const longestLead = 2_000;
/** Frames of unknown epochs may be forged: they make the fleet look no more often than that. */
const shortestPause = 100;

/** A storage that answers nothing at all counts as lost after so many `gcInterval`s. */
const silentIntervals = 4;

interface Known {
  readonly createdAt: number;
}

/** One machine's part in a fleet: it follows the epochs in the storage, begins the next one when that is due, and erases old ones. */
export class Fleet {
  readonly #records: FleetRecords;
  readonly #vault: Vault;
  readonly #ownsVault: boolean;
  readonly #options: FleetOptions;
  readonly #terms: FleetTerms;
  readonly #times: { minKeyRotation: number; maxKeyAge: number; stateLifetime: number; lead: number };
  readonly #now: () => number;
  readonly #tolerance: number;
  readonly #gcInterval: number;
  readonly #known = new Map<number, Known>();
  #handle = 0;
  #host: FleetHost | undefined;
  #head: Head | undefined;
  #due = Infinity; // by performance.now()
  #lookedAt = 0; // when the last look began that found `#head` to be the newest epoch
  #failure: TinyMlsError | undefined;
  #tail: Promise<unknown> = Promise.resolve();
  #waiting = false;
  #closed = false;
  #stopWatch: (() => void) | undefined;

  private constructor(vault: Vault, options: FleetOptions) {
    const { clockTolerance, now } = fleetOptions(options);
    const { terms, minKeyRotation } = fleetTermsOf(options);
    const [maxKeyAge, stateLifetime] = [Number(terms.maxKeyAge), Number(terms.stateLifetime)];
    this.#vault = vault;
    this.#ownsVault = vault !== options.storage;
    this.#records = new FleetRecords(vault, options.name);
    this.#options = options;
    this.#terms = terms;
    this.#times = { minKeyRotation, maxKeyAge, stateLifetime, lead: Math.min(longestLead, Math.floor(maxKeyAge / 8)) };
    this.#now = now;
    this.#tolerance = clockTolerance;
    this.#gcInterval = gcIntervalOf(options.gcInterval);
  }

  /** Joins the fleet of this name, and makes it where there is none. */
  static async open(options: FleetOptions): Promise<Fleet> {
    fleetOptions(options);
    keyringNumbers(options);
    gcIntervalOf(options.gcInterval);
    const { storage, storageKey } = options;
    const vault = storage instanceof Vault ? storage : await Vault.open(storage, storageKey);
    const fleet = new Fleet(vault, options);
    try {
      const loading = fleet.#load();
      // What the watch hears meanwhile waits: there is no key ring yet to take it in.
      fleet.#tail = loading.catch(() => undefined);
      await loading;
      return fleet;
    } catch (error) {
      if (fleet.#handle !== 0) release(fleet.#handle, "Context.open");
      fleet.close();
      throw error;
    }
  }

  /** Of the native key ring. */
  get handle(): number {
    return this.#handle;
  }

  /** The storage cannot be reached, or holds what should not be there. */
  get troubled(): boolean {
    const silence = performance.now() - this.#lookedAt;
    return this.#failure !== undefined || silence > silentIntervals * this.#gcInterval + longestLead;
  }

  join(host: FleetHost): void {
    this.#host = host;
  }

  /** Looks at the storage, and does there what is due. */
  tend(): void {
    if (this.#waiting || this.#closed) return;
    this.#waiting = true;
    void this.#inTurn(async () => {
      this.#waiting = false;
      await this.#look();
      if (performance.now() >= this.#due) await this.#begin("schedule");
      await this.#erase();
    });
  }

  /** What an error of an operation asks for. */
  heed(code: ErrorCode): void {
    if (code === "missing" && performance.now() - this.#lookedAt > shortestPause) this.tend();
    if (code === "exhausted") this.rotate("limit").catch(() => undefined); // it is told as a failure of the fleet
  }

  /** Begins the next epoch, unless another machine did so since the call. Answers its number. */
  async rotate(reason: RotationReason, entropy?: Bytes): Promise<number> {
    const before = this.#head!.epoch;
    await this.#inTurn(async () => {
      await this.#look();
      if (this.#head!.epoch === before) await this.#begin(reason, entropy);
    }, true);
    const { epoch } = this.#head!;
    // A turn that the end of the Context cut short began nothing that this machine could tell of.
    if (this.#closed && epoch === before) throw closedMeanwhile();
    return epoch;
  }

  /** Ends the watch. The key ring and the storage stay open. */
  close(): void {
    this.#closed = true;
    this.#stopWatch?.();
    this.#stopWatch = undefined;
    if (this.#ownsVault) this.#vault.close();
  }

  async #load(): Promise<void> {
    // Watching comes first, so that nothing is missed in between.
    this.#stopWatch = await this.#vault.storage.watch(this.#records.headKey, () => this.tend());
    for (let tries = 1; ; ++tries) {
      const lookedAt = performance.now();
      const found = (await this.#records.all()) ?? (await this.#create(tries));
      if (found === undefined) continue;
      try {
        this.#agree(found.head);
        this.#makeKeyring(found.epochs);
        this.#head = found.head;
        this.#lookedAt = lookedAt;
      } finally {
        for (const { secret } of found.epochs) secret.dispose();
      }
      break;
    }
    fetchEvents(this.#handle); // the past is no news
    if (this.#ageOf(this.#known.get(this.#head.epoch)!) < this.#times.maxKeyAge) return;
    await this.#begin("schedule");
  }

  async #create(tries: number): Promise<{ head: Head; epochs: EpochRecord[] } | undefined> {
    const first = { epoch: 0, createdAt: this.#now(), secret: this.#drawSecret() };
    try {
      const revision = await this.#records.begin(first, this.#terms, 0);
      return { head: { epoch: 0, terms: this.#terms, revision }, epochs: [first] };
    } catch (error) {
      first.secret.dispose();
      // Another machine made the fleet meanwhile.
      if (error instanceof TinyMlsError && error.code === "conflict" && tries < 3) return undefined;
      throw error;
    }
  }

  /** @throws TinyMlsError `config` where this machine was set up in another way than the fleet */
  #agree({ terms }: Head): void {
    const names = Object.keys(terms) as (keyof FleetTerms)[];
    const other = names.find((name) => terms[name] !== this.#terms[name]);
    if (other === undefined) return;
    const message = `Context.open: ${other} is not what the fleet ${this.#options.name} was made with`;
    throw new TinyMlsError("config", message, {
      operation: "Context.open",
      component: "context",
      path: this.#records.headKey,
    });
  }

  #makeKeyring(epochs: readonly EpochRecord[]): void {
    const { maxKeyAge, stateLifetime, lead } = this.#times;
    const kept = maxKeyAge + stateLifetime + this.#tolerance;
    const live = epochs.filter((epoch, i) => i === epochs.length - 1 || this.#ageOf(epoch) < kept);
    const [first, ...later] = live as [EpochRecord, ...EpochRecord[]];
    this.#handle = createKeyring(this.#options, {
      epoch: first.epoch,
      secret: first.secret,
      age: Math.min(this.#ageOf(first), kept),
      tolerance: this.#tolerance,
    });
    for (const epoch of later) {
      const age = this.#ageOf(epoch);
      // Others may not know the newest one yet.
      const young = epoch === later.at(-1) && this.#now() - epoch.createdAt < lead + this.#tolerance;
      this.#adopt(epoch, age, young ? lead : 0, "followed");
    }
    for (const { epoch, createdAt } of epochs) this.#known.set(epoch, { createdAt });
    this.#draw(this.#ageOf(live.at(-1)!));
  }

  /** How old an epoch is at least, by clocks that are as far apart as they may be. */
  #ageOf({ createdAt }: Known): number {
    return Math.max(0, Math.floor(this.#now() - createdAt) - this.#tolerance);
  }

  /** Follows the head of the storage. */
  async #look(): Promise<void> {
    const lookedAt = performance.now();
    const head = await this.#records.head();
    const known = this.#head!.epoch;
    const { headKey } = this.#records;
    if (head === undefined) throw this.#records.fault("missing", headKey, "is missing");
    if (head.epoch < known) throw this.#records.fault("invalid", headKey, "was rolled back");
    for (let epoch = known + 1; epoch <= head.epoch; ++epoch) {
      const record = await this.#records.epoch(epoch);
      if (record === undefined && epoch < head.epoch) continue; // erased meanwhile
      if (record === undefined)
        throw this.#records.fault("missing", `${this.#records.prefix}epoch`, `${epoch} is missing`);
      using _ = record.secret;
      // It began after the last look that did not find it, whatever the clocks say.
      const age = Math.min(this.#ageOf(record), Math.ceil(performance.now() - this.#lookedAt));
      this.#adopt(record, age, this.#times.lead, "followed");
      this.#draw(age);
      this.#head = { ...head, epoch };
    }
    this.#head = head;
    this.#lookedAt = lookedAt;
  }

  /** Stores a new epoch after the head; when another machine was faster, follows that. */
  async #begin(reason: RotationReason, entropy?: Bytes): Promise<void> {
    const { epoch, revision } = this.#head!;
    if (epoch === maxEpoch) throw this.#records.fault("exhausted", this.#records.headKey, "has had all epochs");
    const startedAt = performance.now();
    using secret = this.#drawSecret(entropy);
    const next = { epoch: epoch + 1, createdAt: this.#now(), secret };
    try {
      const written = await this.#records.begin(next, this.#terms, revision);
      if (this.#closed) return;
      const age = Math.ceil(performance.now() - startedAt);
      this.#adopt(next, age, this.#times.lead, reason);
      this.#draw(age);
      this.#head = { epoch: next.epoch, terms: this.#terms, revision: written };
      this.#lookedAt = startedAt;
    } catch (error) {
      if (!(error instanceof TinyMlsError && error.code === "conflict")) throw error;
      await this.#look();
    }
  }

  /** Erases from the storage what no machine opens any more. */
  async #erase(): Promise<void> {
    const { maxKeyAge, stateLifetime } = this.#times;
    const kept = maxKeyAge + stateLifetime + this.#tolerance; // and #ageOf takes the tolerance off once more
    const old = [...this.#known].filter(([epoch, known]) => epoch !== this.#head!.epoch && this.#ageOf(known) >= kept);
    if (old.length === 0) return;
    const epochs = old.slice(0, 100).map(([epoch]) => epoch);
    await this.#records.erase(epochs);
    for (const epoch of epochs) this.#known.delete(epoch);
  }

  #adopt({ epoch, createdAt, secret }: EpochRecord, age: number, delay: number, reason: RotationReason): void {
    checked(native.contextAdopt(this.#handle, epoch, handleOf(secret), age, delay, reasons[reason]), "Context.rotate");
    this.#known.set(epoch, { createdAt });
    this.#host?.changed();
  }

  /** When this machine begins the next epoch, unless another one does: in the first half of the span, so that the second is left to retry. */
  #draw(age: number): void {
    const { minKeyRotation, maxKeyAge, lead } = this.#times;
    const part = randomBytes(4).readUInt32BE() / 2 ** 32;
    const drawn = minKeyRotation + (part * (maxKeyAge - minKeyRotation)) / 2;
    this.#due = performance.now() - age + Math.min(drawn, maxKeyAge - 2 * lead);
  }

  #drawSecret(entropy?: Bytes): Secret {
    using random = Secret.random(32);
    const { entropySource } = this.#options;
    using drawn = entropySource === undefined ? Secret.from(none) : drawEntropy(entropySource);
    using given = Secret.from(entropy ?? none);
    using mixed = Secret.concat([random, drawn, given]);
    return hkdf.extract("SHA-256", none, mixed);
  }

  /** One task after the other. A failure is told once for as long as it lasts, and to the caller when `thrown`. */
  async #inTurn(task: () => Promise<void>, thrown = false): Promise<void> {
    const run = this.#tail.then(async () => {
      if (this.#closed) return;
      try {
        await task();
        this.#failure = undefined;
      } catch (error) {
        if (this.#closed) return;
        const failure = failureOf(error);
        if (this.#failure?.code !== failure.code && !thrown) this.#host?.report(failure);
        this.#failure = failure;
        if (thrown) throw failure;
      }
    });
    this.#tail = run.catch(() => undefined);
    await run;
  }
}

const maxEpoch = 2 ** 32 - 1;
const none = new Uint8Array(0);

function closedMeanwhile(): TinyMlsError {
  const details = { operation: "Context.rotate", component: "context" };
  return new TinyMlsError("closed", "Context.rotate: the Context was closed meanwhile", details);
}

function failureOf(error: unknown): TinyMlsError {
  if (error instanceof TinyMlsError) return error;
  const details = { operation: "Context.fleet", component: "context", cause: error };
  return new TinyMlsError("storage", "the storage of the fleet failed", details);
}
