import { setTimeout as sleep } from "node:timers/promises";
import { TinyMlsError, type Storage } from "tinymls";
import { Alice } from "../crash/alice.js";
import type { Answer, Request } from "../crash/protocol.js";
import type { Subject } from "../crash/subject.js";
import { UnreliableStorage } from "./unreliable-storage.js";

/** The shortest that there is. */
const leaseMs = 100;

/** Someone whose storage fails now and then: she goes on with what she has in memory, or opens it anew. */
export class UnreliableAlice implements Subject {
  readonly #storage: UnreliableStorage;
  readonly #random: () => number;
  readonly forgetsReceived = false;
  #alice: Alice | undefined;

  constructor(storage: Storage, random: () => number) {
    this.#storage = new UnreliableStorage(storage, random);
    this.#random = random;
  }

  get wasWriting(): boolean {
    return this.#storage.failedWrites > 0;
  }

  async start(): Promise<string> {
    if (this.#alice?.found === "loaded" && this.#random() < 0.5) return "loaded";
    await this.#close();
    this.#alice = await this.#open();
    return this.#alice.found;
  }

  ask(request: Request): Promise<Answer> {
    return this.#alice!.answer(request);
  }

  async disturb(request: Request): Promise<Answer | undefined> {
    return (await this.disturbAll([request]))[0];
  }

  async disturbAll(requests: readonly Request[]): Promise<Answer[]> {
    const outcomes = await this.#unreliably(() =>
      Promise.allSettled(requests.map((request) => this.#alice!.answer(request))),
    );
    return outcomes.flatMap((outcome) => {
      if (outcome.status === "fulfilled") return [outcome.value];
      requireFault(outcome.reason);
      return [];
    });
  }

  async disturbRenewal(): Promise<void> {
    await this.#unreliably(() => sleep(1.5 * leaseMs));
  }

  async disturbStart(): Promise<boolean> {
    const former = this.#alice;
    this.#alice = undefined;
    return this.#unreliably(async () => {
      try {
        await former?.close();
        this.#alice = await this.#open();
        return false;
      } catch (error) {
        requireFault(error);
        return true;
      }
    });
  }

  async remove(): Promise<void> {
    await this.#close();
    await this.#storage.close();
  }

  async #close(): Promise<void> {
    await this.#alice?.close();
    this.#alice = undefined;
  }

  /** What a client that could not be closed holds is free when its lease is over. */
  async #open(): Promise<Alice> {
    for (let tries = 1; ; tries++) {
      try {
        return await Alice.open(this.#storage, leaseMs);
      } catch (error) {
        if (tries === 10 || !(error instanceof TinyMlsError && error.code === "conflict")) throw error;
        await sleep(leaseMs / 4);
      }
    }
  }

  async #unreliably<T>(operation: () => Promise<T>): Promise<T> {
    this.#storage.begin();
    try {
      return await operation();
    } finally {
      this.#storage.end();
    }
  }
}

/** All that a fault of the storage may come to, for whoever called. */
function requireFault(error: unknown): void {
  if (error instanceof TinyMlsError && error.code === "storage" && error.retryable) return;
  throw new Error(`a fault of the storage came out as ${String(error)}`, { cause: error });
}
