import { arch, availableParallelism, cpus, platform, release } from "node:os";

/** Where the figures come from. */
export function environment() {
  return {
    node: process.versions.node,
    v8: process.versions.v8,
    openssl: process.versions.openssl,
    platform: `${platform()} ${release().split("-")[0]}`,
    arch: arch(),
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    processors: availableParallelism(),
    date: new Date().toISOString(),
  };
}
