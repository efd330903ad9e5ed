/** RFC 9420 §11.2: the group that a ReInit asks for has the same members, so they have to support it. */
import type { ReInit } from "../objects/index.js";
import { checkSupport, leafRequirements } from "../tree/index.js";
import type { PublicEpoch } from "./epoch.js";
import { isAboutTheInput } from "./received.js";

/**
 * Why the members could not begin that group, undefined where they can. A ReInit is valid all the same, and whoever receives one takes it; but
 * once it is committed nobody can go on, so nobody should commit it.
 */
export function reasonAgainstReInit({ tree }: PublicEpoch, reinit: ReInit): string | undefined {
  const { version, cipherSuite, extensions } = reinit;
  for (const [leafIndex, leaf] of tree.members()) {
    const { versions, cipherSuites } = leaf.value.capabilities;
    if (!versions.includes(version)) return `member ${leafIndex} does not support protocol version ${version}`;
    if (!cipherSuites.includes(cipherSuite)) return `member ${leafIndex} does not support cipher suite ${cipherSuite}`;
  }
  try {
    checkSupport(tree.support, leafRequirements({ cipherSuite, extensions }));
  } catch (error) {
    if (!isAboutTheInput(error)) throw error;
    return error.message;
  }
  return undefined;
}
