import { Session, type Profiler } from "node:inspector";

/**
 * The code of the compiled library that ran, as V8 counts it. V8 merges blocks of equal counts, so blocks have no name that stays
 * the same from one reading to the next: what is kept is, for each function, which characters of it have run.
 */
export class BlockCoverage {
  private readonly session = new Session();
  private readonly ran = new Map<string, Uint8Array>();
  private before: [string, Uint8Array | undefined][] = [];

  /** Of the scripts whose URL contains `part`. Only one can count at a time. */
  constructor(private readonly part = "/dist/") {
    this.session.connect();
    this.session.post("Profiler.enable");
    this.session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
    this.take();
  }

  /** Whether code ran since the last call that never ran before. */
  take(): boolean {
    this.before = [];
    for (const { url, scriptId, functions } of this.counts()) {
      if (!url.includes(this.part)) continue;
      for (const { ranges } of functions) this.add(scriptId, ranges);
    }
    return this.before.length > 0;
  }

  /** Takes what the last call found for unknown again. */
  forget(): void {
    for (const [key, marks] of this.before) {
      if (marks) this.ran.set(key, marks);
      else this.ran.delete(key);
    }
  }

  /** How many functions ran. */
  get functions(): number {
    return this.ran.size;
  }

  close(): void {
    this.session.post("Profiler.stopPreciseCoverage");
    this.session.disconnect();
  }

  private add(scriptId: string, ranges: readonly Profiler.CoverageRange[]): void {
    const [whole] = ranges;
    if (!whole || whole.count === 0) return;
    const key = `${scriptId}:${whole.startOffset}-${whole.endOffset}`;
    const now = new Uint8Array(whole.endOffset - whole.startOffset);
    // Outer ranges come before the ranges inside them.
    for (const { startOffset, endOffset, count } of ranges) {
      now.fill(count > 0 ? 1 : 0, startOffset - whole.startOffset, endOffset - whole.startOffset);
    }
    const known = this.ran.get(key);
    if (known && !now.some((mark, index) => mark > known[index]!)) return;
    this.before.push([key, known]);
    this.ran.set(key, known ? now.map((mark, index) => mark | known[index]!) : now);
  }

  // A session in its own thread answers before post returns.
  private counts(): Profiler.ScriptCoverage[] {
    let result: Profiler.ScriptCoverage[] = [];
    this.session.post("Profiler.takePreciseCoverage", (error, answer) => {
      if (error) throw error;
      result = answer.result;
    });
    return result;
  }
}
