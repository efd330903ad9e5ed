// What a prebuilt addon for Linux may ask of the machine it is loaded on, read from its ELF tables.
import { execFileSync } from "node:child_process";

export const glibcBaseline = "2.28"; // of Node's own Linux binaries

const machines = { x64: "Advanced Micro Devices X86-64", arm64: "AArch64" };
const libraries = /^(libc\.so\.6|libm\.so\.6|libdl\.so\.2|libpthread\.so\.0|libgcc_s\.so\.1|ld-linux-[\w-]+\.so\.\d)$/;
const muslLibraries = /^(libc\.musl-[\w]+\.so\.1|libgcc_s\.so\.1)$/;
const nodeApi = /^(napi_|node_api_)/;
const openssl = /^(ASN1|BIO|BN|CONF|CRYPTO|EC|ECDSA|ERR|EVP|OBJ|OPENSSL|OSSL|OpenSSL|PKCS|RAND|X509|d2i|i2d)_/;

const readelf = (file, ...flags) => execFileSync("readelf", ["-W", ...flags, file], { encoding: "utf8" });

/** Undefined symbols as `{ name, version }`; `version` is like "GLIBC_2.14", or undefined. */
function undefinedSymbols(file) {
  const rows = readelf(file, "--dyn-syms").split("\n");
  return rows.flatMap((row) => {
    const [, , , , bind, , section, symbol] = row.trim().split(/\s+/);
    if (section !== "UND" || !symbol) return [];
    const [name, version] = symbol.split("@");
    return [{ name, version, weak: bind === "WEAK" }];
  });
}

const newer = (version, than) => {
  const [a, b] = [version, than].map((text) => text.split(".").map(Number));
  return a[0] !== b[0] ? a[0] > b[0] : (a[1] ?? 0) > (b[1] ?? 0);
};

/** The faults of an addon at `file` built for `arch` and `libc`, and facts about it for people. */
export function checkElf(file, { arch, libc }) {
  const faults = [];
  const machine = /Machine:\s+(.*)/.exec(readelf(file, "-h"))?.[1]?.trim();
  if (machine !== machines[arch]) faults.push(`built for ${machine}, not ${machines[arch]}`);

  const needed = [...readelf(file, "-d").matchAll(/\(NEEDED\).*\[(.*)\]/g)].map(([, name]) => name);
  const allowed = libc === "musl" ? muslLibraries : libraries;
  for (const name of needed) if (!allowed.test(name)) faults.push(`needs ${name}`);

  let glibc = "0";
  const counts = { nodeApi: 0, openssl: 0 };
  for (const { name, version, weak } of undefinedSymbols(file)) {
    const [, library, number] = /^([A-Z]+)_([\d.]+)$/.exec(version ?? "") ?? [];
    if (library === "GLIBC") {
      if (newer(number, glibc)) glibc = number;
      if (newer(number, glibcBaseline)) faults.push(`${name} is of glibc ${number}, newer than ${glibcBaseline}`);
    } else if (nodeApi.test(name)) counts.nodeApi += 1;
    else if (openssl.test(name)) counts.openssl += 1;
    else if (library !== "GCC" && !weak && libc === "glibc") faults.push(`${name} comes from neither Node nor libc`);
  }
  if (counts.nodeApi === 0) faults.push("uses no Node-API function");
  const facts = { needed, ...counts, ...(libc === "glibc" && { glibc }) };
  return { faults, facts };
}
