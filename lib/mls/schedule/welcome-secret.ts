/** RFC 9420 §8 and §12.4.3.1: welcome_secret, and the GroupInfo that it seals. */
import type { Secret } from "../../native/secret.js";
import type { Suite } from "../suite/index.js";
import { withMemberSecret } from "./key-schedule.js";

type Bytes = Uint8Array;

const empty = new Uint8Array(0);

/** Welcome.encrypted_group_info of an encoded GroupInfo. */
export function sealGroupInfo(suite: Suite, joiner: Secret, pskSecret: Secret | undefined, groupInfo: Bytes): Buffer {
  return withWelcomeKey(suite, joiner, pskSecret, (key, nonce) => suite.seal(key, nonce, empty, groupInfo));
}

/**
 * The encoded GroupInfo of a Welcome, not verified yet.
 * @throws TinyMlsError `undecryptable`
 */
export function openGroupInfo(suite: Suite, joiner: Secret, pskSecret: Secret | undefined, sealed: Bytes): Buffer {
  return withWelcomeKey(suite, joiner, pskSecret, (key, nonce) => suite.open(key, nonce, empty, sealed));
}

function withWelcomeKey<T>(
  suite: Suite,
  joiner: Secret,
  pskSecret: Secret | undefined,
  use: (key: Secret, nonce: Secret) => T,
): T {
  return withMemberSecret(suite, joiner, pskSecret, (memberSecret) => {
    const owned: Secret[] = [];
    const own = (secret: Secret): Secret => {
      owned.push(secret);
      return secret;
    };
    try {
      const welcomeSecret = own(suite.deriveSecret(memberSecret, "welcome"));
      const nonce = own(suite.expandWithLabel(welcomeSecret, "nonce", empty, suite.Nn));
      return use(own(suite.expandWithLabel(welcomeSecret, "key", empty, suite.Nk)), nonce);
    } finally {
      for (const secret of owned) secret.dispose();
    }
  });
}
