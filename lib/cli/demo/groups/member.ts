import { fork, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Calls } from "./member-process.js";

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

/** A member in a process of its own, as the delivery service reaches it. */
export class Member {
  readonly name: string;
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number, Waiting>();
  #next = 0;
  /** Why no call is answered any more. */
  #ended: Error | undefined;

  private constructor(name: string) {
    this.name = name;
    const script = fileURLToPath(new URL("./member-process.js", import.meta.url));
    this.#process = fork(script, { serialization: "advanced" });
    this.#process.on("message", (answer: Answer) => this.#settle(answer));
    this.#process.on("exit", (code, signal) => this.#end(signal ?? `exit code ${code}`));
    this.#process.on("error", (error) => this.#end(error.message));
  }

  static async start(name: string): Promise<Member> {
    const member = new Member(name);
    await member.call("start", name);
    return member;
  }

  call<N extends Call>(name: N, ...args: Args<N>): Result<N> {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      if (this.#ended !== undefined) return reject(this.#ended);
      this.#waiting.set(id, { resolve: (result) => resolve(result as never), reject });
      this.#process.send({ id, name, args }, (error) => error !== null && this.#end(error.message));
    });
  }

  async stop(): Promise<void> {
    await this.call("stop");
    this.#process.disconnect();
  }

  /** At once, when the demonstration fails. */
  kill(): void {
    this.#process.kill();
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
