import type { Capabilities } from "../../native/capabilities.js";
import { size } from "../progress.js";
import { libc, lockLimit, mayLockAll } from "./host.js";

export interface Finding {
  readonly name: string;
  /** `note`: it works, with less. */
  readonly status: "ok" | "note" | "missing";
  readonly value: string;
  /** What to do, or what follows. */
  readonly advice?: string;
}

export interface Examination {
  readonly findings: Finding[];
  /** The same for programs. */
  readonly facts: Record<string, unknown>;
}

/** What the default suites of Context, MLS (RFC 9420 §17.1) and sealed files stand on. */
const essential = ["AES-128-GCM", "AES-256-GCM", "SHA-256", "DHKEM-X25519", "Ed25519"] as const;

export async function examine(): Promise<Examination> {
  const findings: Finding[] = [
    { name: "Node", status: "ok", value: `${process.version}, ${process.platform}-${process.arch}, ${libc()}` },
  ];
  const facts: Record<string, unknown> = {
    node: process.version,
    platform: process.platform,
    arch: process.arch,
    libc: libc(),
  };
  const addon = await load();
  if ("refusal" in addon) {
    findings.push({ name: "native addon", status: "missing", value: "does not load", advice: addon.refusal });
    return { findings, facts };
  }
  const { capabilities, selfTest, canBeStrict } = addon.probe;
  findings.push({ name: "native addon", status: "ok", value: "loaded" });
  findings.push(selfTestFinding(selfTest()));
  const strict = canBeStrict();
  const found = capabilities();
  findings.push({ name: "OpenSSL", status: "ok", value: found.opensslVersion });
  findings.push(
    ...algorithmFindings(found),
    passwordFinding(found),
    cpuFinding(found),
    ...memoryFindings(found, strict),
  );
  findings.push(fipsFinding(found));
  const limit = lockLimit();
  Object.assign(facts, found, {
    strictMemoryPossible: strict,
    lockLimitBytes: limit === Infinity ? "unlimited" : limit,
  });
  return { findings, facts };
}

const importProbe = () => import("./probe.js");

async function load(): Promise<{ probe: Awaited<ReturnType<typeof importProbe>> } | { refusal: string }> {
  try {
    return { probe: await importProbe() };
  } catch (error) {
    return { refusal: (error as Error).message.replace(/\s*\n\s*/g, " ") };
  }
}

function selfTestFinding(failure: string | undefined): Finding {
  if (failure === undefined)
    return { name: "self-test", status: "ok", value: "sealed, opened, and refused a forged frame" };
  return { name: "self-test", status: "missing", value: failure, advice: "do not use this build; compile it again" };
}

function algorithmFindings({ algorithms }: Capabilities): Finding[] {
  const all = Object.entries(algorithms);
  const absent = all.filter(([, there]) => !there).map(([name]) => name);
  const fatal = essential.filter((name) => !algorithms[name]);
  const value = `${all.length - absent.length} of ${all.length}`;
  if (absent.length === 0) return [{ name: "algorithms", status: "ok", value }];
  const what = `without ${absent.join(", ")}`;
  const advice = fatal.length > 0 ? `${what}: use a Node with its own OpenSSL` : `${what}: Node 22 or newer has them`;
  return [{ name: "algorithms", status: fatal.length > 0 ? "missing" : "note", value, advice }];
}

function passwordFinding({ argon2id }: Capabilities): Finding {
  if (argon2id !== undefined) return { name: "passphrases", status: "ok", value: `Argon2id by ${argon2id}` };
  const advice = "npm install argon2@0.44.0, or use Node 22 or newer";
  return { name: "passphrases", status: "note", value: "no Argon2id: key files work, passphrases do not", advice };
}

function cpuFinding({ cpu }: Capabilities): Finding {
  const there = Object.keys(cpu).filter((name) => cpu[name]);
  const absent = Object.keys(cpu).filter((name) => !cpu[name]);
  const value = there.join(", ") || "none that OpenSSL's fast paths use";
  if (absent.length === 0) return { name: "CPU features", status: "ok", value };
  return { name: "CPU features", status: "ok", value: `${value} (without ${absent.join(", ")})` };
}

function memoryFindings({ memory }: Capabilities, strict: boolean): Finding[] {
  const limit = lockLimit();
  const shown = limit === undefined ? "not known" : limit === Infinity ? "unlimited" : size(limit);
  const raise = "raise it (ulimit -l, LimitMEMLOCK=, memlock of the container), or give CAP_IPC_LOCK";
  const narrow = limit !== undefined && limit < 8 * 1024 * 1024 && !mayLockAll();
  const locked = `${size(memory.lockedBytes)} locked, ${size(memory.unlockedBytes)} not, ${size(memory.inUseBytes)} in use`;
  const kept = [memory.dumpExcluded && "core dumps", memory.forkExcluded && "forked processes"].filter(Boolean);
  return [
    {
      name: "lock limit",
      status: narrow ? "note" : "ok",
      value: mayLockAll() ? `${shown}, and this process may exceed it` : shown,
      ...(narrow && { advice: raise }),
    },
    {
      name: "secret memory",
      status: memory.unlockedBytes === 0 ? "ok" : "note",
      value: `${locked}; kept out of ${kept.length > 0 ? kept.join(" and ") : "nothing"}`,
    },
    {
      name: "strict memory",
      status: strict ? "ok" : "note",
      value: strict ? "possible" : "not possible: secrets would be refused",
      ...(!strict && { advice: raise }),
    },
  ];
}

function fipsFinding({ fips }: Capabilities): Finding {
  const value = fips ? "a provider can be loaded" : "no provider: Contexts with fips: true are refused";
  return { name: "FIPS", status: "ok", value };
}
