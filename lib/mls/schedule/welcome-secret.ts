/** RFC 9420 §8 and §12.4.3.1: welcome_secret, and the GroupInfo that it seals. */
import type { Secret } from "../../native/secret.js";
import type { Suite } from "../suite/index.js";
import { withMemberSecret } from "./key-schedule.js";

type Bytes = Uint8Array;

const empty = new Uint8Array(0);

/** Welcome.encrypted_group_info of an encoded GroupInfo. */
export function sealGroupInfo(suite: Suite, joiner: Secret, pskSecret: Secret | undefined, groupInfo: Bytes): Buffer {
  const sealed = Buffer.allocUnsafe(groupInfo.byteLength + suite.Nt);
  withWelcomeSecret(suite, joiner, pskSecret, (secret) => suite.sealExpanded(secret, empty, empty, groupInfo, sealed));
  return sealed;
}

/**
 * The encoded GroupInfo of a Welcome, not verified yet.
 * @throws TinyMlsError `undecryptable`
 */
export function openGroupInfo(suite: Suite, joiner: Secret, pskSecret: Secret | undefined, sealed: Bytes): Buffer {
  return withWelcomeSecret(suite, joiner, pskSecret, (secret) => suite.openExpanded(secret, empty, empty, sealed));
}

function withWelcomeSecret<T>(
  suite: Suite,
  joiner: Secret,
  pskSecret: Secret | undefined,
  use: (welcomeSecret: Secret) => T,
): T {
  return withMemberSecret(suite, joiner, pskSecret, (memberSecret) => {
    const welcomeSecret = suite.deriveSecret(memberSecret, "welcome");
    try {
      return use(welcomeSecret);
    } finally {
      welcomeSecret.dispose();
    }
  });
}
