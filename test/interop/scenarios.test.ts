import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { CipherSuite } from "tinymls";
import { RemoteClient } from "../../interop/grpc.js";
import { runScenario } from "./runner.js";
import { readScenarios, scenarioFolder } from "./script.js";

const main = new URL("../../interop/main.js", import.meta.url).pathname;
const suites = Object.values(CipherSuite);
const otherSuite = (suite: number): number => suites[(suites.indexOf(suite as CipherSuite) + 1) % suites.length]!;

const processes: ChildProcess[] = [];
const servers: RemoteClient[] = [];

async function startServer(): Promise<void> {
  const child = spawn(process.execPath, [main, "--port", "0"], { stdio: ["ignore", "pipe", "inherit"] });
  processes.push(child);
  const [address] = (await once(createInterface(child.stdout), "line")) as [string];
  servers.push(new RemoteClient(address));
}

beforeAll(async () => {
  await Promise.all([startServer(), startServer(), startServer()]);
});

afterAll(async () => {
  for (const server of servers) server.close();
  const ends = processes.map((child) => once(child, "exit"));
  for (const child of processes) child.kill("SIGTERM");
  await Promise.all(ends);
});

test("a server tells its name and its cipher suites, and what it does not know", async () => {
  const [server] = servers as [RemoteClient];
  expect(await server.call("Name", {})).toEqual({ name: "tinymls" });
  expect((await server.call("SupportedCiphersuites", {})).ciphersuites).toEqual(suites);
  await expect(server.call("StateAuth", { stateId: 77 })).rejects.toMatchObject({ code: 5, details: "no state 77" });
  const garbage = { groupInfo: Buffer.from("garbage"), identity: Buffer.from("mallory") };
  await expect(server.call("ExternalJoin", garbage)).rejects.toMatchObject({ code: 3 });
});

const folder = scenarioFolder();
const howTo = "set $TINYMLS_INTEROP to a folder with configs/*.json";
const reason = `skipped: no interoperability scenarios, ${howTo}`;

if (folder === undefined) test.skip(`${reason}`, () => undefined);
else {
  const scenarios = readScenarios(folder);
  const large = 100;
  // Two suites with handshake messages of both kinds; the long scenario in one of them.
  describe.each([
    { cipherSuite: 1, encryptHandshake: true },
    { cipherSuite: 2, encryptHandshake: false },
  ])("suite $cipherSuite, encrypted handshake: $encryptHandshake", (setting) => {
    const fit = scenarios.filter(({ steps }) => steps.length < large || setting.encryptHandshake);
    test.each(fit.map((scenario) => [scenario.title, scenario] as const))(
      "%s",
      async (_, scenario) =>
        runScenario(scenario, { ...setting, otherSuite: otherSuite(setting.cipherSuite) }, servers),
      300_000,
    );
  });

  const inAllSuites = [
    "out_of_order_across_epochs",
    "all_together_bob_proposes",
    "removing_prior",
    "change_ciphersuite",
  ];
  const few = scenarios.filter(({ title }) => inAllSuites.some((name) => title.endsWith(` ${name}`)));
  describe.each(suites.filter((suite) => suite > 2))("suite %d", (cipherSuite) => {
    const setting = { cipherSuite, otherSuite: otherSuite(cipherSuite), encryptHandshake: cipherSuite % 2 === 0 };
    test.each(few.map((scenario) => [scenario.title, scenario] as const))("%s", async (_, scenario) =>
      runScenario(scenario, setting, servers),
    );
  });
}
