import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Calls, Kept, Published } from "./member-process.js";

type Call = keyof Calls;
type Args<N extends Call> = Parameters<Calls[N]>;
type Result<N extends Call> = Promise<Awaited<ReturnType<Calls[N]>>>;

interface Answer {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: string;
}

interface Waiting {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

const script = fileURLToPath(new URL("./member-process.js", import.meta.url));

/** A member in a process of its own, as the delivery service reaches it. */
export class Member {
  readonly name: string;
  readonly #kept: Kept | undefined;
  readonly #waiting = new Map<number, Waiting>();
  #process: ChildProcess;
  #next = 0;
  /** Why no call is answered any more. */
  #ended: Error | undefined;

  private constructor(name: string, kept: Kept | undefined) {
    this.name = name;
    this.#kept = kept;
    this.#process = this.#fork();
  }

  /** @param kept where its state is; in memory without it */
  static async start(name: string, kept?: Kept): Promise<Member> {
    const member = new Member(name, kept);
    await member.call("start", name, kept);
    return member;
  }

  call<N extends Call>(name: N, ...args: Args<N>): Result<N> {
    const id = this.#next++;
    const child = this.#process;
    return new Promise((resolve, reject) => {
      if (this.#ended !== undefined) return reject(this.#ended);
      this.#waiting.set(id, { resolve: (result) => resolve(result as never), reject });
      // What takes no message any more is over, or is so now: its exit, which tells why, may come after this.
      child.send({ id, name, args }, (error) => error !== null && child.kill("SIGKILL"));
    });
  }

  async stop(): Promise<void> {
    await this.call("stop");
    const gone = once(this.#process, "exit");
    this.#process.disconnect();
    await gone;
  }

  /** Ends the process as a crash does: it is not asked. */
  async crash(): Promise<void> {
    if (this.#ended !== undefined) throw this.#ended;
    const gone = once(this.#process, "exit");
    this.#process.kill("SIGKILL");
    await gone;
  }

  /**
   * A new process goes on from the file of the one that crashed. That one is found dead, so what it held is free at once.
   * @returns the commit that waits to be confirmed
   */
  async restart(): Promise<Published | undefined> {
    this.#ended = undefined;
    this.#process = this.#fork();
    await this.call("start", this.name, this.#kept);
    return this.call("resume");
  }

  /** At once, when the demonstration fails. */
  kill(): void {
    this.#process.kill();
  }

  /** The key of what is kept is not among the arguments, where other processes would see it: it is sent. */
  #fork(): ChildProcess {
    const child = fork(script, { serialization: "advanced" });
    child.on("message", (answer: Answer) => this.#settle(answer));
    child.on("exit", (code, signal) => this.#end(signal ?? `exit code ${code}`));
    child.on("error", (error) => this.#end(error.message));
    return child;
  }

  #settle({ id, result, error }: Answer): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error === undefined) waiting?.resolve(revived(result));
    else waiting?.reject(new Error(`${this.name}: ${error}`));
  }

  /** The first reason is the one to tell: what follows from it says less. */
  #end(reason: string): void {
    this.#ended ??= new Error(`the process of ${this.name} ended: ${reason}`);
    for (const { reject } of this.#waiting.values()) reject(this.#ended);
    this.#waiting.clear();
  }
}

/** Buffers arrive as Uint8Arrays inside of structured clones. */
function revived(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  if (Array.isArray(value)) return value.map(revived);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, revived(inner)]));
}
