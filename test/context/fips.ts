// A process of its own for fips.test.ts, whose OpenSSL configuration names a FIPS provider. Prints what it saw as JSON.
import { createHash, getFips } from "node:crypto";
import { Context, type ContextOptions } from "tinymls";
import { capabilities, Secret } from "tinymls/crypto";

const secret = Secret.from(Buffer.alloc(32, 1));
const served: string[] = [];
for (const suite of ["AES-128-GCM", "AES-256-GCM"] as const) {
  for (const ratchet of ["aes-ctr", "hkdf-sha256"] as const) {
    const own = new Context({ fips: true, suite, ratchet, timingJitter: { maxMicros: 1 } });
    const first = own.encrypt("first");
    own.rotateKey({ entropy: Buffer.from("more") });
    const opened = [own.decrypt(first), own.decrypt(own.encrypt("second"))].join();
    // A peer without FIPS derives the same keys.
    const shared: ContextOptions = { suite, ratchet, secret };
    const [here, there] = [new Context({ ...shared, fips: true }), new Context(shared)];
    here.rotateKey();
    const crossed = [there.decrypt(here.encrypt("there")), here.decrypt(there.encrypt("back"))].join();
    if (opened === "first,second" && crossed === "there,back") served.push(`${suite} ${ratchet}`);
    for (const context of [own, here, there]) context.close();
  }
}
const plain = new Context({ suite: "CHACHA20-POLY1305" });
const standard = plain.decrypt(plain.encrypt("x")).toString() === "x";
const nodeAsItWas = getFips() === 0 && createHash("md5").update("x").digest("hex").startsWith("9dd4e461");
console.log(JSON.stringify({ fips: capabilities().fips, served, standard, nodeAsItWas }));
