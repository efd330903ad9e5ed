// Contexts on a real FIPS provider, where the system has one: in a process of their own, whose configuration names it.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "@jest/globals";

const script = fileURLToPath(new URL("./fips.js", import.meta.url));
const machine = process.arch === "arm64" ? "aarch64" : "x86_64";
const folders = [
  process.env["OPENSSL_MODULES"],
  `/usr/lib/${machine}-linux-gnu/ossl-modules`,
  "/usr/lib/ossl-modules",
  "/usr/lib64/ossl-modules",
  "/usr/local/lib64/ossl-modules",
  "/usr/local/lib/ossl-modules",
];
const folder = folders.find((path) => path !== undefined && existsSync(join(path, "fips.so")));
const work = mkdtempSync(join(tmpdir(), "tinymls-fips-"));
afterAll(() => rmSync(work, { recursive: true, force: true }));

/** The configuration that docs/context.md describes; undefined where there is no provider, or nothing to install it with. */
function configuration(): string | undefined {
  if (folder === undefined) return undefined;
  const section = join(work, "fipsmodule.cnf");
  const install = ["fipsinstall", "-quiet", "-module", join(folder, "fips.so"), "-out", section];
  if (spawnSync("openssl", install).status !== 0) return undefined;
  const path = join(work, "openssl.cnf");
  const lines = ["openssl_conf = init", `.include ${section}`, "[init]", "providers = providers", "[providers]"];
  writeFileSync(path, [...lines, "fips = fips_sect", ""].join("\n"));
  return path;
}

const config = configuration();

const title = "a provider of the system serves both suites and ratchets";
const reason = "no FIPS provider of OpenSSL, which Debian 13 has as openssl-provider-fips";
if (config === undefined) test.skip(`${title}: ${reason}`, () => undefined);
else
  test(title, () => {
    const env = { ...process.env, OPENSSL_MODULES: folder, OPENSSL_CONF: config };
    const { status, signal, stdout, stderr } = spawnSync(process.execPath, [script], { env, encoding: "utf8" });
    expect({ status, signal, stderr }).toEqual({ status: 0, signal: null, stderr: "" });
    const served = ["AES-128-GCM aes-ctr", "AES-128-GCM hkdf-sha256", "AES-256-GCM aes-ctr", "AES-256-GCM hkdf-sha256"];
    expect(JSON.parse(stdout)).toEqual({ fips: true, served, standard: true, nodeAsItWas: true });
  });
