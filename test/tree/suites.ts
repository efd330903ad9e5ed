import { describe } from "@jest/globals";
import { cipherSuites, suiteOf, type Suite } from "#dist/mls/suite/index.js";

/** The tests of `body`, once for each cipher suite of RFC 9420. */
export function forEachSuite(body: (suite: Suite) => void): void {
  for (const [id, { name }] of cipherSuites) describe(name, () => body(suiteOf(id)));
}
