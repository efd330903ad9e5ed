import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { removeAtExit } from "../temporary.js";
import type { InputFile } from "./input.js";

/** One thing that had to hold; `held` is undefined where it could not be tried. */
export interface Check {
  readonly part: string;
  readonly what: string;
  readonly held: boolean | undefined;
  readonly detail: string;
}

/** A part of the demo: one file in this folder each. */
export interface Part {
  readonly title: string;
  run(stage: Stage): Promise<void>;
}

/** What parts share: the input, a folder for their files, and where they tell what happened. */
export class Stage {
  readonly checks: Check[] = [];
  readonly figures: [name: string, value: string][] = [];
  readonly folder = mkdtempSync(join(tmpdir(), "tinymls-demo-"));
  readonly input: readonly InputFile[];
  /** How long the live run of threads takes. */
  readonly seconds: number;
  #part = "";
  #progressAt = -Infinity;

  constructor(input: readonly InputFile[], seconds: number) {
    this.input = input;
    this.seconds = seconds;
    removeAtExit(this.folder);
  }

  begin(title: string, position: string): void {
    this.#part = title;
    console.log(`\n${position} ${title}`);
  }

  say(line: string): void {
    this.#clear();
    console.log(`    ${line}`);
  }

  /** Tells the outcome of a check and keeps it for the summary. */
  check(what: string, held: boolean, detail = ""): void {
    this.checks.push({ part: this.#part, what, held, detail });
    this.#clear();
    console.log(`  ${held ? "ok  " : "FAIL"} ${what}${detail === "" ? "" : `: ${detail}`}`);
  }

  /** Tells what cannot be shown here, and why, and keeps it for the summary. */
  skip(what: string, why: string): void {
    this.checks.push({ part: this.#part, what, held: undefined, detail: why });
    this.#clear();
    console.log(`  skip ${what}: ${why}`);
  }

  figure(name: string, value: string): void {
    this.figures.push([name, value]);
  }

  /** A line that the next one replaces; without a terminal a line each second. */
  progress(line: string): void {
    const now = performance.now();
    if (now - this.#progressAt < (process.stdout.isTTY ? 50 : 1000)) return;
    this.#progressAt = now;
    if (process.stdout.isTTY) process.stdout.write(`\r    ${line}\x1b[K`);
    else console.log(`    ${line}`);
  }

  clean(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  #clear(): void {
    if (process.stdout.isTTY) process.stdout.write("\r\x1b[K");
  }
}
