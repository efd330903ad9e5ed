import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { diedInWrite } from "./noted-storage.js";
import type { Answer, Opening, Request } from "./protocol.js";

const program = join(import.meta.dirname, "alice.js");
/** As that of `Client.create`. */
const leaseMs = 30_000;
/** The shortest that there is: renewed each 33 ms. */
const shortLeaseMs = 100;

/** A process that dies at once when it is told to, in the middle of whatever it does. */
export class KilledProcess {
  readonly #adapter: string;
  readonly #address: string;
  readonly #folder = mkdtempSync(join(tmpdir(), "tinymls-killed-"));
  #child: ChildProcess | undefined;
  /** Started while another one runs, to take its place: it has the library loaded, and nothing opened. */
  #next: ChildProcess | undefined;

  constructor(adapter: string, address: string) {
    this.#adapter = adapter;
    this.#address = address;
  }

  get #notes(): string {
    return join(this.#folder, "notes");
  }

  /** Whether the process that was killed last had begun a write that had not ended. */
  get diedInWrite(): boolean {
    return diedInWrite(this.#notes);
  }

  /** Resolves with what it found in the storage. */
  async start(): Promise<string> {
    const answer = await this.#open({ open: true, leaseMs });
    if (answer === undefined) throw new Error("the process ended by itself");
    if (answer.error !== undefined) throw new Error(`start: ${answer.error}`);
    return answer.kind!;
  }

  /** Starts it and kills it so many milliseconds after it began to open the storage; whether it was not ready yet. */
  async startAndKill(afterMs: number): Promise<boolean> {
    const starting = this.#open({ open: true, leaseMs });
    await sleep(afterMs);
    await this.kill();
    return (await starting) === undefined;
  }

  /** Starts it, and lets it die so many microseconds after it began to renew its hold on the group. */
  async startAndDieInRenewal(micros: number): Promise<void> {
    await this.#open({ open: true, leaseMs: shortLeaseMs, dieInRenewal: micros });
    if (this.#child!.exitCode === null && this.#child!.signalCode === null) await once(this.#child!, "exit");
    this.#child = undefined;
  }

  async ask(request: Request): Promise<Answer> {
    this.#child!.send(request);
    const answer = await this.#answer();
    if (answer === undefined) throw new Error("the process ended by itself");
    return good(request.ask, answer)!;
  }

  /** Kills it so many milliseconds after it was asked; undefined where it did not answer before. */
  async askAndKill(request: Request, afterMs: number): Promise<Answer | undefined> {
    this.#child!.send(request);
    const answering = this.#answer();
    await sleep(afterMs);
    await this.kill();
    return good(request.ask, await answering);
  }

  /** Lets it die so many microseconds after it began to write what it was asked for; undefined where it did not answer before. */
  async askAndDieInWrite(request: Request, micros: number): Promise<Answer | undefined> {
    this.#child!.send({ ...request, dieInWrite: micros });
    const answer = await this.#answer();
    await this.kill();
    return good(request.ask, answer);
  }

  /** Asks for all of it at once, and kills it as soon as that many answers came; resolves with those that came until its end. */
  async askAllAndKill(requests: readonly Request[], afterAnswers: number): Promise<Answer[]> {
    const child = this.#child!;
    const answers: Answer[] = [];
    const closed = once(child, "close");
    child.on("message", (answer: Answer) => {
      if (answers.push(answer) === afterAnswers) child.kill("SIGKILL");
    });
    for (const request of requests) child.send(request);
    await closed;
    this.#child = undefined;
    for (const answer of answers) good("one of many", answer);
    return answers;
  }

  async kill(): Promise<void> {
    await kill(this.#child);
    this.#child = undefined;
  }

  /** Ends all that was started. */
  async remove(): Promise<void> {
    await this.kill();
    await kill(this.#next);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** Undefined when it ends before it answers. */
  #open(opening: Opening): Promise<Answer | undefined> {
    this.#child = this.#next ?? this.#fork();
    this.#next = this.#fork();
    this.#child.send(opening);
    return this.#answer();
  }

  #fork(): ChildProcess {
    const args = [this.#adapter, this.#address, this.#notes];
    return fork(program, args, { serialization: "advanced", execArgv: ["--no-warnings"] });
  }

  /** Undefined when it ends before it answers. */
  #answer(): Promise<Answer | undefined> {
    const child = this.#child!;
    return new Promise((resolve) => {
      const answered = (answer: Answer): void => {
        child.off("close", ended);
        resolve(answer);
      };
      const ended = (): void => {
        child.off("message", answered);
        resolve(undefined);
      };
      child.once("message", answered);
      child.once("close", ended);
    });
  }
}

function good(what: string, answer: Answer | undefined): Answer | undefined {
  if (answer?.error !== undefined) throw new Error(`${what}: ${answer.error}`);
  return answer;
}

async function kill(child: ChildProcess | undefined): Promise<void> {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, "exit");
  child.kill("SIGKILL");
  await exit;
}
