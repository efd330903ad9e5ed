import { TinyMlsError, type ErrorCode, type ErrorDetails } from "../errors.js";

/** The checks of the directory itself; those of RFC 9420 have the ids of `rules`. */
const titles = {
  "discovery/length": "A publication is no longer than the limit",
  "discovery/group-info": "A publication is a GroupInfo",
  "discovery/lifetime": "A publication says how long it is valid, and that is not longer than the limit",
  "discovery/publisher": "The publisher's credential is trusted, and it may publish the group",
  "discovery/retention": "A publication has not expired long ago",
  "discovery/room": "A directory holds a bounded number of groups and octets",
} as const;

export type DiscoveryRule = keyof typeof titles;

/** @throws TinyMlsError `code` with `rule`, always */
export function refuseBy(rule: DiscoveryRule, detail: string, code: ErrorCode = "invalid"): never {
  throw new TinyMlsError(code, `Refused by ${rule}. ${titles[rule]}: ${detail}`, { component: "discovery", rule });
}

export function fault(code: ErrorCode, operation: string, message: string, details: ErrorDetails = {}): TinyMlsError {
  return new TinyMlsError(code, message, { operation, component: "discovery", ...details });
}
