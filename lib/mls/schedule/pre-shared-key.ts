/** RFC 9420 §8.4. */
import { encode } from "../../codec/index.js";
import { TinyMlsError } from "../../errors.js";
import { randomBytes } from "../../native/random.js";
import { type Secret } from "../../native/secret.js";
import { type PreSharedKeyID, PSKLabel } from "../objects/index.js";
import { refuse } from "../rules.js";
import type { Suite } from "../suite/index.js";
import { zeroSecret } from "./key-schedule.js";

/** A PSK and the id under which the group injects it. */
export interface InjectedPsk {
  readonly id: PreSharedKeyID;
  /** Lent. */
  readonly psk: Secret;
}

/** A fresh psk_nonce. */
export function pskNonce(suite: Suite): Buffer {
  return randomBytes(suite.Nh);
}

/** @throws TinyMlsError rule `8.4/psk-nonce-length`. */
export function checkPskNonce(suite: Suite, id: PreSharedKeyID): void {
  if (id.pskNonce.byteLength !== suite.Nh) refuse("8.4/psk-nonce-length", `${id.pskNonce.byteLength} octets`);
}

/**
 * psk_secret of the PSKs in the order of the commit or of GroupSecrets; undefined where there are none, which is what the key
 * schedule takes for the all-zero string. The secret that comes back is the caller's.
 * @throws TinyMlsError rule `8.4/psk-nonce-length`; `usage` for more PSKs than a PSKLabel can count.
 */
export function pskSecret(suite: Suite, psks: readonly InjectedPsk[]): Secret | undefined {
  if (psks.length > 0xffff) {
    throw new TinyMlsError("usage", "at most 65535 PSKs", { operation: "pskSecret", component: "mls" });
  }
  for (const { id } of psks) checkPskNonce(suite, id);
  let secret: Secret | undefined;
  try {
    psks.forEach(({ id, psk }, index) => {
      const next = inject(suite, psk, encode(PSKLabel, { id, index, count: psks.length }), secret);
      secret?.dispose();
      secret = next;
    });
    return secret;
  } catch (error) {
    secret?.dispose();
    throw error;
  }
}

function inject(suite: Suite, psk: Secret, pskLabel: Uint8Array, before: Secret | undefined): Secret {
  const extracted = suite.extract(zeroSecret(suite), psk);
  try {
    const input = suite.expandWithLabel(extracted, "derived psk", pskLabel, suite.Nh);
    try {
      return suite.extract(input, before ?? zeroSecret(suite));
    } finally {
      input.dispose();
    }
  } finally {
    extracted.dispose();
  }
}
