import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { diedInWrite } from "./noted-storage.js";
import type { Power } from "./power.js";
import type { Subject } from "./subject.js";
import type { Answer, Opening, Request } from "./protocol.js";

const program = join(import.meta.dirname, "process.js");
/** As that of `Client.create`. */
const leaseMs = 30_000;
/** The shortest that there is: renewed each 33 ms. */
const shortLeaseMs = 100;

interface Setting {
  /** "sqlite" or "postgres". */
  readonly adapter: string;
  /** What the adapter opens, in JSON. */
  readonly address: string;
  /** What fails whenever the process dies. */
  readonly power?: Power;
  readonly forgetsReceived?: boolean;
}

/** A process that dies at once when it is told to, in the middle of whatever it does. */
export class KilledProcess implements Subject {
  readonly #setting: Setting;
  readonly #folder = mkdtempSync(join(tmpdir(), "tinymls-killed-"));
  #child: ChildProcess | undefined;
  /** Started while another one runs, to take its place: it has the library loaded, and nothing opened. */
  #next: ChildProcess | undefined;

  /** What the last start took, once the library was loaded: where to kill the next one. */
  #startMs = 0;
  readonly #random: () => number;

  constructor(setting: Setting, random: () => number) {
    this.#setting = setting;
    this.#random = random;
  }

  get forgetsReceived(): boolean {
    return this.#setting.forgetsReceived ?? false;
  }

  get #notes(): string {
    return join(this.#folder, "notes");
  }

  get wasWriting(): boolean {
    return diedInWrite(this.#notes);
  }

  async start(): Promise<string> {
    await this.#kill();
    const begun = performance.now();
    const answer = good("start", await this.#open({ open: true, leaseMs }));
    if (answer === undefined) throw new Error("the process ended by itself");
    this.#startMs = performance.now() - begun;
    return answer.kind!;
  }

  async disturbStart(): Promise<boolean> {
    await this.#kill();
    const starting = this.#open({ open: true, leaseMs });
    await sleep(this.#startMs * 1.1 * this.#random());
    await this.#kill();
    return (await starting) === undefined;
  }

  async disturbRenewal(): Promise<void> {
    await this.#kill();
    await this.#open({ open: true, leaseMs: shortLeaseMs, dieInRenewal: this.#micros() });
    if (this.#child!.exitCode === null && this.#child!.signalCode === null) await once(this.#child!, "exit");
  }

  async ask(request: Request): Promise<Answer> {
    this.#child!.send(request);
    const answer = await this.#answer();
    if (answer === undefined) throw new Error("the process ended by itself");
    return good(request.ask, answer)!;
  }

  /** Dies one time at any moment, another time in the middle of a write. */
  async disturb(request: Request): Promise<Answer | undefined> {
    const inWrite = this.#random() < 0.5;
    this.#child!.send(inWrite ? { ...request, dieInWrite: this.#micros() } : request);
    const answering = this.#answer();
    await (inWrite ? answering : sleep(12 * this.#random() ** 2));
    await this.#kill();
    return good(request.ask, await answering);
  }

  /** Dies as soon as some answers came, in the middle of the rest; a kill that comes late finds all done, and the rest unanswered. */
  async disturbAll(requests: readonly Request[]): Promise<Answer[]> {
    const afterAnswers = 1 + Math.floor(requests.length * 0.9 * this.#random());
    const child = this.#child!;
    const answers: Answer[] = [];
    const closed = once(child, "close");
    child.on("message", (answer: Answer) => {
      if (answers.push(answer) === afterAnswers) child.kill("SIGKILL");
    });
    requests.forEach((request, at) => child.send(at < afterAnswers ? request : { ...request, unanswered: true }));
    await closed;
    for (const answer of answers) good("one of many", answer);
    return answers;
  }

  /** Ends all that was started. */
  async remove(): Promise<void> {
    await this.#kill();
    await kill(this.#next);
    this.#setting.power?.remove();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #kill(): Promise<void> {
    if (this.#child === undefined) return;
    await kill(this.#child);
    this.#setting.power?.fail();
  }

  /** How far into a write to die. */
  #micros(): number {
    return Math.floor(150 * this.#random() ** 2);
  }

  /** Undefined when it ends before it answers. */
  #open(opening: Opening): Promise<Answer | undefined> {
    this.#child = this.#next ?? this.#fork();
    this.#next = this.#fork();
    this.#child.send(opening);
    return this.#answer();
  }

  #fork(): ChildProcess {
    const { adapter, address, power } = this.#setting;
    const env = power?.environment ?? process.env;
    return fork(program, [adapter, address, this.#notes], {
      serialization: "advanced",
      execArgv: ["--no-warnings"],
      env,
    });
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
