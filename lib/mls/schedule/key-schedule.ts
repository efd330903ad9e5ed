/** RFC 9420 §8. */
import type { Secret } from "../../native/secret.js";
import type { Suite } from "../suite/index.js";

type Bytes = Uint8Array;

/** What the joiner secret of an epoch comes from. */
export interface JoinerInputs {
  /** That of the epoch before, or the one of an external commit (§8.3). */
  readonly initSecret: Secret;
  /** Undefined for a commit without path: the all-zero string. */
  readonly commitSecret: Secret | undefined;
  /** The encoded GroupContext of the new epoch. */
  readonly groupContext: Bytes;
}

/** The all-zero string of KDF.Nh octets that stands for a commit_secret or psk_secret that is not there. */
export function zeroSecret(suite: Suite): Bytes {
  return new Uint8Array(suite.Nh);
}

/** joiner_secret: what a Welcome carries. It is the caller's; dispose it once the epoch and the welcome are derived. */
export function joinerSecret(suite: Suite, { initSecret, commitSecret, groupContext }: JoinerInputs): Secret {
  const extracted = suite.extract(initSecret, commitSecret ?? zeroSecret(suite));
  try {
    return suite.expandWithLabel(extracted, "joiner", groupContext, suite.Nh);
  } finally {
    extracted.dispose();
  }
}

/** Lends `use` the secret between joiner_secret and epoch_secret, from which welcome_secret comes too. */
export function withMemberSecret<T>(
  suite: Suite,
  joiner: Secret,
  pskSecret: Secret | undefined,
  use: (memberSecret: Secret) => T,
): T {
  const memberSecret = suite.extract(joiner, pskSecret ?? zeroSecret(suite));
  try {
    return use(memberSecret);
  } finally {
    memberSecret.dispose();
  }
}
