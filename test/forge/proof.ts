import { appendFileSync } from "node:fs";
import { expect } from "@jest/globals";
import { TinyMlsError, type ErrorCode, type RuleId } from "tinymls";
import type { Suite } from "#dist/mls/suite/index.js";
import { heldHandles } from "../held-handles.js";

/** Which rule is to refuse, in which suite, and what must not change meanwhile. */
export interface Claim {
  readonly suite: Suite;
  readonly rule: RuleId;
  /** Default: `invalid`. */
  readonly code?: ErrorCode | undefined;
  /** Everything that the input could change. Default: the number of handles. */
  readonly state?: () => unknown;
}

/**
 * A member or client refuses `input` by the rule, as an outcome or an error, and nothing changes. What is proven so is noted for
 * scripts/refusal-record.mjs, which wants every rule in every suite.
 */
export async function proveRefusal(claim: Claim, input: () => Promise<unknown>): Promise<void> {
  const { suite, rule, code = "invalid", state = heldHandles } = claim;
  const before = state();
  const outcome: unknown = await input().catch((error: unknown) => error);
  if (!(outcome instanceof TinyMlsError)) expect(outcome).toMatchObject({ kind: "rejected" });
  expect(outcome).toMatchObject({ rule, code, section: `RFC 9420 §${rule.split("/")[0]}` });
  expect(state()).toEqual(before);
  const record = process.env["TINYMLS_REFUSAL_RECORD"];
  if (record !== undefined) appendFileSync(record, `${rule} ${suite.id}\n`);
}
