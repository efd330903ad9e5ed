/** RFC 9420 §8.4, §8.6: the PSKs that a client can put into its groups. */
import { TinyMlsError } from "../../errors.js";
import type { Secret } from "../../native/secret.js";
import { PSKType, type PreSharedKeyID } from "../objects/index.js";
import { pskSecret, type InjectedPsk } from "../schedule/index.js";
import type { Suite } from "../suite/index.js";

type Bytes = Uint8Array;

/** Where PSKs are looked up. What it gives is lent for the call in hand. */
export interface PskLookup {
  external(pskId: Bytes): Secret | undefined;
  resumption(groupId: Bytes, epoch: bigint): Secret | undefined;
}

/**
 * psk_secret of the PSKs with these ids, in this order; undefined for none. The secret is the caller's.
 * @throws TinyMlsError `missing` when the client does not have one of them
 */
export function pskSecretOf(suite: Suite, ids: readonly PreSharedKeyID[], lookup: PskLookup): Secret | undefined {
  return pskSecret(
    suite,
    ids.map((id): InjectedPsk => ({ id, psk: find(id, lookup) })),
  );
}

export function hasPsk(id: PreSharedKeyID, lookup: PskLookup): boolean {
  return lent(id, lookup) !== undefined;
}

function lent(id: PreSharedKeyID, lookup: PskLookup): Secret | undefined {
  return id.pskType === PSKType.external ? lookup.external(id.pskId) : lookup.resumption(id.pskGroupId, id.pskEpoch);
}

function find(id: PreSharedKeyID, lookup: PskLookup): Secret {
  const psk = lent(id, lookup);
  if (psk !== undefined) return psk;
  const which =
    id.pskType === PSKType.external
      ? `external PSK ${hex(id.pskId)}`
      : `resumption PSK of epoch ${id.pskEpoch} of ${hex(id.pskGroupId)}`;
  throw new TinyMlsError("missing", `this client does not have the ${which}`, {
    component: "mls",
    rule: "12.4.2/psk-available",
    section: "RFC 9420 §12.4.2",
  });
}

function hex(bytes: Bytes): string {
  return Buffer.from(bytes).toString("hex");
}
