import { describe, expect, test } from "@jest/globals";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { AggregatorRegistry, Registry } from "prom-client";
import { Client, Context, type ContextOptions } from "tinymls";
import { metricNames, registerMetrics, type ClientMetrics, type ReceivedKind } from "tinymls/metrics";
import { codeOf, sleep } from "../context/support.js";

const secret = Buffer.alloc(32, 7);

/** The samples of one scrape, by name and labels. */
async function scrape(registry: Registry): Promise<Map<string, number>> {
  const text = await registry.metrics();
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ")))]),
  );
}

function exercise(context: Context, times: number, octets: number): void {
  for (let i = 0; i < times; ++i) context.decrypt(context.encrypt(Buffer.alloc(octets)));
}

function world(options: ContextOptions = {}) {
  const registry = new Registry();
  const context = new Context({ name: "payments", secret, ...options });
  return { registry, context, metrics: registerMetrics({ registry, contexts: [context] }) };
}

const of = (name: string, more = "") => `tinymls_context_${name}{context="payments"${more}}`;

describe("a Context", () => {
  test("operations, octets, failures by code, replays and rotations are those that happened", async () => {
    const { registry, context } = world({ replayWindow: 64 });
    exercise(context, 10, 100);
    const frame = context.encrypt("once more");
    context.decrypt(frame);
    expect(codeOf(() => context.decrypt(frame))).toBe("invalid");
    const forged = Buffer.from(context.encrypt("forged"));
    forged[forged.length - 1]! ^= 1;
    for (let i = 0; i < 3; ++i) expect(codeOf(() => context.decrypt(forged))).toBe("undecryptable");
    expect(codeOf(() => context.decrypt(Buffer.alloc(5)))).toBe("malformed");
    context.rotateKey();

    const samples = await scrape(registry);
    expect(samples.get(of("operations_total", ',operation="seal"'))).toBe(12);
    expect(samples.get(of("operations_total", ',operation="open"'))).toBe(11);
    expect(samples.get(of("bytes_total", ',operation="seal"'))).toBe(1000 + 9 + 6);
    expect(samples.get(of("bytes_total", ',operation="open"'))).toBe(1000 + 9);
    expect(samples.get(of("failures_total", ',code="undecryptable"'))).toBe(3);
    expect(samples.get(of("failures_total", ',code="malformed"'))).toBe(1);
    expect(samples.get(of("failures_total", ',code="invalid"'))).toBe(1);
    expect(samples.get(of("failures_total", ',code="closed"'))).toBe(0);
    expect(samples.get(of("replays_total"))).toBe(1);
    expect(samples.get(of("rotations_total"))).toBe(1);
    expect(samples.get(of("retained_epochs"))).toBe(2);
    expect(samples.get(of("retained_steps"))).toBeGreaterThan(0);
    expect(samples.get(of("state_bytes"))).toBeGreaterThan(0);
    expect(samples.get(of("epoch_age_seconds"))).toBeLessThan(60);
    expect(samples.get(of("next_rotation_seconds"))).toBeGreaterThan(29 * 60);
    expect(samples.get(of("open"))).toBe(1);
    const { lockedBytes, unlockedBytes } = context.metrics();
    expect(samples.get("tinymls_locked_memory_bytes")).toBe(lockedBytes);
    expect(samples.get("tinymls_unlocked_memory_bytes")).toBe(unlockedBytes);
    expect(samples.get("tinymls_secret_memory_in_use_bytes")).toBeGreaterThanOrEqual(32);
  });

  test("the histogram is one: cumulative buckets in seconds, the last of all, a sum that fits", async () => {
    const { registry, context } = world();
    exercise(context, 6400, 64);
    const samples = await scrape(registry);
    const buckets = [...samples].filter(([name]) => /duration_seconds_bucket.*operation="seal"/.test(name));
    expect(buckets.length).toBeGreaterThan(10);
    const bounds = buckets.map(([name]) => Number(/le="([^"]*)"/.exec(name)![1]!.replace("+Inf", "Infinity")));
    expect(bounds).toEqual([...bounds].sort((a, b) => a - b));
    expect(bounds[0]).toBeCloseTo(128e-9, 12);
    const counts = buckets.map(([, value]) => value);
    expect(counts).toEqual([...counts].sort((a, b) => a - b));
    const count = samples.get(of("operation_duration_seconds_count", ',operation="seal"'))!;
    expect(counts.at(-1)).toBe(count);
    expect(count).toBeGreaterThanOrEqual(90);
    const sum = samples.get(of("operation_duration_seconds_sum", ',operation="seal"'))!;
    expect(sum / count).toBeGreaterThan(20e-9);
    expect(sum / count).toBeLessThan(1e-2);
  });

  test("counters stay when it is closed, gauges go; a new one of its name goes on from there", async () => {
    const { registry, context, metrics } = world();
    exercise(context, 5, 10);
    context.close();
    let samples = await scrape(registry);
    expect(samples.get(of("operations_total", ',operation="seal"'))).toBe(5);
    expect(samples.has(of("open"))).toBe(false);
    expect(samples.has(of("epoch_age_seconds"))).toBe(false);

    const next = new Context({ name: "payments" });
    metrics.add(next);
    metrics.add(next);
    exercise(next, 2, 10);
    samples = await scrape(registry);
    expect(samples.get(of("operations_total", ',operation="seal"'))).toBe(7);
    expect(samples.get(of("open"))).toBe(1);
    metrics.remove(next);
    exercise(next, 2, 10);
    samples = await scrape(registry);
    expect(samples.get(of("operations_total", ',operation="seal"'))).toBe(7);
    expect(samples.has(of("open"))).toBe(false);
  });

  test("contexts of one name are added up, and the number of names is bounded", async () => {
    const registry = new Registry();
    const contexts = Array.from({ length: 40 }, (_, i) => new Context({ name: `session ${i}` }));
    contexts.push(new Context(), new Context());
    registerMetrics({ registry, contexts: contexts.reverse(), maxNames: 5 });
    for (const context of contexts) exercise(context, 1, 1);
    const samples = await scrape(registry);
    const open = [...samples].filter(([name]) => name.startsWith("tinymls_context_open{"));
    expect(open.length).toBe(6);
    expect(samples.get('tinymls_context_open{context="unnamed"}')).toBe(2);
    expect(samples.get('tinymls_context_operations_total{context="unnamed",operation="seal"}')).toBe(2);
    expect(samples.get('tinymls_context_open{context="other"}')).toBe(36);
    contexts.forEach((context) => context.close());
  });

  test("one that is collected without being closed leaves its counters", async () => {
    const registry = new Registry();
    const metrics = registerMetrics({ registry });
    (() => {
      for (let i = 0; i < 50; ++i) {
        const context = new Context({ name: "short" });
        exercise(context, 3, 1);
        metrics.add(context);
      }
    })();
    expect((await scrape(registry)).get('tinymls_context_operations_total{context="short",operation="seal"}')).toBe(
      150,
    );
    setFlagsFromString("--expose_gc");
    const collect = runInNewContext("gc") as () => void;
    const open = async () => (await scrape(registry)).get('tinymls_context_open{context="short"}') ?? 0;
    for (let i = 0; i < 50 && (await open()) > 0; ++i) {
      await sleep(10); // what a scrape looked at stays until its turn of the event loop is over
      collect();
      await sleep(10);
    }
    expect(await open()).toBe(0);
    expect((await scrape(registry)).get('tinymls_context_operations_total{context="short",operation="seal"}')).toBe(
      150,
    );
  });
});

describe("a registry", () => {
  test("holds the metrics once, and not at all after unregister", async () => {
    const { registry, metrics } = world();
    const before = await registry.metrics();
    expect(codeOf(() => registerMetrics({ registry }))).toBe("conflict");
    expect((await registry.metrics()).split("\n").length).toBe(before.split("\n").length);
    metrics.unregister();
    expect((await registry.metrics()).trim()).toBe("");
    registerMetrics({ registry });
  });

  test("OpenMetrics and JSON, in a cluster too", async () => {
    const { registry, context } = world();
    exercise(context, 1, 1);
    registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE as never);
    for (let i = 0; i < 2; ++i) {
      const text = await registry.metrics();
      expect(text).toContain('tinymls_context_operations_total{context="payments",operation="seal"} 1\n');
      expect(text).toContain("# TYPE tinymls_context_operations counter\n");
      expect(text).not.toContain("_total_total");
    }
    const plain = world({ name: "both" });
    exercise(plain.context, 2, 1);
    const json = (await Promise.all([plain.registry.getMetricsAsJSON(), plain.registry.getMetricsAsJSON()])) as never;
    const sum = await AggregatorRegistry.aggregate(json).metrics();
    expect(sum).toContain('tinymls_context_operations_total{context="both",operation="seal"} 4\n');
  });

  test.each([undefined, {}, { registry: new Registry(), maxNames: 0 }, { registry: new Registry(), contexts: [{}] }])(
    "wrong options are refused, and nothing is registered: %#",
    async (options) => {
      expect(codeOf(() => registerMetrics(options as never))).toBe("usage");
      const { registry } = (options ?? {}) as { registry?: Registry };
      expect(registry?.getMetricsAsArray() ?? []).toEqual([]);
    },
  );

  test("every exported name, and no other, is in metricNames", async () => {
    const { registry, context, metrics } = world();
    exercise(context, 1, 1);
    metrics.add(client().client);
    const names = new Set([...(await scrape(registry)).keys()].map((name) => name.replace(/\{.*/, "")));
    expect([...names].sort()).toEqual([...metricNames].sort());
  });
});

function client() {
  const received: Record<ReceivedKind, number> = {
    application: 7,
    proposal: 2,
    commit: 3,
    ownEcho: 1,
    duplicate: 0,
    stale: 0,
    future: 0,
    needsProposals: 0,
    rejected: 4,
  };
  const state = { name: "alice", closed: false, groups: 2, epochs: 5, sent: 9, received, pendingCommits: 1 };
  const counted: { -readonly [K in keyof ClientMetrics]: ClientMetrics[K] } = {
    ...state,
    rejected: { invalid: 3, malformed: 1 },
  };
  return { counted, client: { metrics: () => counted } };
}

test("a client: groups, epochs, messages by kind, rejections by code", async () => {
  const registry = new Registry();
  const { client: alice, counted } = client();
  registerMetrics({ registry, clients: [alice] });
  let samples = await scrape(registry);
  expect(samples.get('tinymls_client_groups{client="alice"}')).toBe(2);
  expect(samples.get('tinymls_client_received_total{client="alice",kind="application"}')).toBe(7);
  expect(samples.get('tinymls_client_rejected_total{client="alice",code="invalid"}')).toBe(3);
  expect(samples.get('tinymls_client_pending_commits{client="alice"}')).toBe(1);
  counted.closed = true;
  samples = await scrape(registry);
  expect(samples.has('tinymls_client_groups{client="alice"}')).toBe(false);
  expect(samples.get('tinymls_client_epochs_total{client="alice"}')).toBe(5);
});

test("a real Client counts what it makes, receives and merges, in all of its groups", async () => {
  const alice = await Client.create({ identity: "alice", name: "front" });
  const bob = await Client.create({ identity: "bob" });
  const registry = new Registry();
  registerMetrics({ registry, clients: [alice, bob] });
  const here = await alice.createGroup();
  const founding = await here.commit({ add: [await bob.createKeyPackage()] });
  expect(alice.metrics()).toMatchObject({ name: "front", groups: 1, epochs: 0, sent: 1, pendingCommits: 1 });
  await founding.confirm();
  const there = await bob.joinGroup(founding.welcome!);
  const message = await there.sendMessage("hello");
  await here.receiveMessage(message);
  await here.receiveMessages([message, await there.proposeUpdate(), Buffer.from("no message")]);
  const update = await here.commit();
  await there.receiveMessage(update.commit);
  await update.confirm();
  const expected = { application: 1, duplicate: 1, proposal: 1, rejected: 1, commit: 0, stale: 0 };
  expect(alice.metrics()).toMatchObject({ epochs: 2, sent: 2, pendingCommits: 0, received: expected });
  expect(alice.metrics().rejected).toEqual({ malformed: 1 });
  expect(bob.metrics()).toMatchObject({ name: undefined, epochs: 1, sent: 2, received: { commit: 1 } });
  const samples = await scrape(registry);
  expect(samples.get('tinymls_client_epochs_total{client="front"}')).toBe(2);
  expect(samples.get('tinymls_client_received_total{client="front",kind="duplicate"}')).toBe(1);
  expect(samples.get('tinymls_client_rejected_total{client="front",code="malformed"}')).toBe(1);
  expect(samples.get('tinymls_client_sent_total{client="unnamed"}')).toBe(2);
  await alice.close();
  await bob.close();
  expect(alice.metrics()).toMatchObject({ closed: true, groups: 0, epochs: 2 });
  expect((await scrape(registry)).get('tinymls_client_epochs_total{client="front"}')).toBe(2);
});
