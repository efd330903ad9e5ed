import { refuse, type RuleId } from "../rules.js";
import type { SignedItem, Suite } from "../suite/index.js";

interface SignatureCheck {
  readonly item: SignedItem;
  readonly rule: RuleId;
  readonly detail: string | undefined;
}

/**
 * The costly checks of a message, run together after all cheap ones: signatures in one parallel batch off the event loop, then
 * what the application decides, which is never asked about what is not signed.
 */
export class Checks {
  readonly #signatures: SignatureCheck[] = [];
  readonly #decisions: (() => Promise<void>)[] = [];

  signature(item: SignedItem, rule: RuleId, detail?: string): void {
    this.#signatures.push({ item, rule, detail });
  }

  decision(ask: () => Promise<void>): void {
    this.#decisions.push(ask);
  }

  /** @throws TinyMlsError `invalid` by the rule of the first check that fails */
  async run(suite: Suite): Promise<void> {
    const items = this.#signatures.map(({ item }) => item);
    await this.#judge(await suite.verifyWithLabelAll(items));
  }

  /**
   * Runs the checks of several inputs, all signatures in one batch.
   * @returns for each input what refused it, undefined where nothing did
   */
  static async runEach(suite: Suite, all: readonly Checks[]): Promise<unknown[]> {
    const items: SignedItem[] = [];
    for (const checks of all) for (const { item } of checks.#signatures) items.push(item);
    const results = await suite.verifyWithLabelAll(items);
    const refusals: unknown[] = [];
    let at = 0;
    for (const checks of all) {
      const own = results.slice(at, (at += checks.#signatures.length));
      refusals.push(await checks.#judge(own).catch((error: unknown) => error));
    }
    return refusals;
  }

  async #judge(results: readonly boolean[]): Promise<void> {
    this.#signatures.forEach(({ rule, detail }, index) => {
      if (!results[index]) refuse(rule, detail);
    });
    for (const ask of this.#decisions) await ask();
  }
}
