// Members who fill a group up and never act: their key packages are made by tinymls, and are the same for all contenders.
import { Client } from "tinymls";

const made = new Map();

/** @returns {Promise<Buffer[]>} `count` key packages of so many clients, each an MLSMessage */
export async function strangers(suite, count) {
  if (!made.has(suite)) made.set(suite, []);
  const packages = made.get(suite);
  while (packages.length < count) {
    const client = await Client.create({ identity: `member ${packages.length}`, cipherSuite: suite });
    packages.push(await client.createKeyPackage());
    await client.close();
  }
  return packages.slice(0, count);
}
