import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Answer, Request } from "./protocol.js";

const program = join(import.meta.dirname, "alice.js");

/** A process that dies at once when it is told to, in the middle of whatever it does. */
export class KilledProcess {
  readonly #adapter: string;
  readonly #address: string;
  #child: ChildProcess | undefined;

  constructor(adapter: string, address: string) {
    this.#adapter = adapter;
    this.#address = address;
  }

  /** Resolves with what it found in the storage. */
  async start(): Promise<string> {
    const args = [this.#adapter, this.#address];
    this.#child = fork(program, args, { serialization: "advanced", execArgv: ["--no-warnings"] });
    return (await this.#answer())!.kind!;
  }

  async ask(request: Request): Promise<Answer> {
    this.#child!.send(request);
    const answer = await this.#answer();
    if (answer === undefined) throw new Error("the process ended by itself");
    if (answer.error !== undefined) throw new Error(`${request.ask}: ${answer.error}`);
    return answer;
  }

  /** Kills it so many milliseconds after it was asked; undefined where it did not answer before. */
  async askAndKill(request: Request, afterMs: number): Promise<Answer | undefined> {
    this.#child!.send(request);
    const answering = this.#answer();
    await sleep(afterMs);
    await this.kill();
    const answer = await answering;
    if (answer?.error !== undefined) throw new Error(`${request.ask}: ${answer.error}`);
    return answer;
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
    const failed = answers.find(({ error }) => error !== undefined);
    if (failed !== undefined) throw new Error(`one of many: ${failed.error}`);
    return answers;
  }

  /** Starts it and kills it so many milliseconds later; whether it was not ready yet. */
  async startAndKill(afterMs: number): Promise<boolean> {
    const starting = this.start().catch(() => undefined);
    await sleep(afterMs);
    await this.kill();
    return (await starting) === undefined;
  }

  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, "exit");
    child.kill("SIGKILL");
    await exit;
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
