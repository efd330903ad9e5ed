import { loggerShape, type Logger } from "../context/logger.js";
import type { AuthenticationService } from "../mls/group/authentication.js";
import type { Group } from "../mls/group.js";
import type { PublicGroup } from "../mls/public-group.js";
import { callable, listOf, milliseconds, record, requireShape, withMethods } from "../shapes.js";
import type { Publisher } from "./publication.js";
import { fault } from "./refusal.js";
import type { DirectoryReplica } from "./replica.js";

/** How much a directory takes in. All replicas of one directory should have the same limits. */
export interface DirectoryLimits {
  /** Octets of one publication, ratchet tree included. Default: 4 MiB. */
  readonly publicationLength: number;
  /** Publishers of one group whose newest publications are kept. Default: 16. */
  readonly publishers: number;
  /** Groups. Default: 10,000. */
  readonly groups: number;
  /** Octets of all publications. Default: 64 MiB. */
  readonly totalLength: number;
}

export interface DirectoryOptions {
  /**
   * Decides whether a publisher's credential stands for its signature key. Asked when a publication is merged and each time it is
   * read, so that a credential that expires or is revoked takes its publications with it.
   */
  readonly authentication: Pick<AuthenticationService, "validateCredential">;
  /**
   * Whether this publisher may publish this group: without an answer to that, whoever has a valid credential could make a group of
   * the same id and publish it. Asked at the same times. May be asked about a publication whose signature turns out to be forged.
   */
  readonly mayPublish: (publisher: Publisher) => boolean | Promise<boolean>;
  /**
   * The group as it is known here, if it is: what contradicts it is not shown. A publication of the known epoch has to agree with it,
   * an older one is past, a newer one has to come from a member of the known epoch.
   */
  readonly known?: ((groupId: Buffer) => Group | PublicGroup | undefined) | undefined;
  /** Where the directory is kept and shared. Default: nowhere but in memory. */
  readonly replicas?: readonly DirectoryReplica[] | undefined;
  /** The longest lifetime of a publication, in ms. Also how long an expired one is remembered. Default: 7 days. */
  readonly maximumLifetimeMs?: number | undefined;
  /** By how much clocks may differ, in ms. Default: 5 minutes. */
  readonly clockToleranceMs?: number | undefined;
  readonly limits?: Partial<DirectoryLimits> | undefined;
  readonly logger?: Logger | undefined;
  /** Milliseconds since 1970. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
}

export const defaultDirectoryLimits: DirectoryLimits = Object.freeze({
  publicationLength: 4 * 2 ** 20,
  publishers: 16,
  groups: 10_000,
  totalLength: 64 * 2 ** 20,
});

const directoryShape = record(
  {
    authentication: withMethods("an AuthenticationService", ["validateCredential"]),
    mayPublish: callable,
    known: callable,
    replicas: listOf(withMethods("a DirectoryReplica", ["connect", "write", "close"])),
    maximumLifetimeMs: milliseconds(0),
    clockToleranceMs: milliseconds(0),
    limits: record({}),
    logger: loggerShape,
    now: callable,
  },
  ["authentication", "mayPublish"],
);

/** The options of a directory, checked and with their defaults. */
export interface DirectorySettings extends Pick<DirectoryOptions, "authentication" | "mayPublish"> {
  readonly known: (groupId: Buffer) => Group | PublicGroup | undefined;
  readonly replicas: readonly DirectoryReplica[];
  readonly maximumLifetimeMs: number;
  readonly clockToleranceMs: number;
  readonly limits: DirectoryLimits;
  readonly logger: Logger | undefined;
  readonly now: () => number;
}

/** @throws TinyMlsError `config` with the name of the option */
export function directorySettings(options: DirectoryOptions): DirectorySettings {
  requireShape(directoryShape, options, "", {
    code: "config",
    operation: "GroupDirectory.open",
    component: "discovery",
  });
  const { authentication, mayPublish, known = () => undefined, replicas = [], logger, now = Date.now } = options;
  const { maximumLifetimeMs = 7 * 24 * 3600 * 1000, clockToleranceMs = 5 * 60 * 1000 } = options;
  const limits = { ...defaultDirectoryLimits, ...options.limits };
  for (const [name, value] of Object.entries(limits)) {
    if (!Number.isSafeInteger(value) || value < 1) throw wrong(`limits.${name}`, "a whole number of at least 1");
  }
  return { authentication, mayPublish, known, replicas, maximumLifetimeMs, clockToleranceMs, limits, logger, now };
}

function wrong(name: string, wanted: string) {
  return fault("config", "GroupDirectory.open", `${name} has to be ${wanted}`);
}
