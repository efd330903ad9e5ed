import { describe, expect, test } from "@jest/globals";
import { readFileSync } from "node:fs";
import { errorCodes } from "tinymls";
import { metricNames } from "tinymls/metrics";

const exported = new Set(metricNames);
const namesIn = (text: string) => [...new Set([...text.matchAll(/\btinymls_[a-z_]+/g)].map(([name]) => name))];
const labels = new Set(["context", "client", "operation", "code", "kind", "le", "job", "instance"]);

/** The metrics and labels of an expression of PromQL are such that exist, and its brackets fit. */
function checkExpression(expression: string): void {
  const names = namesIn(expression);
  expect(names.length).toBeGreaterThan(0);
  for (const name of names) expect({ expression, name, known: exported.has(name) }).toMatchObject({ known: true });
  for (const [, list] of expression.matchAll(/by \(([^)]*)\)/g))
    for (const label of list!.split(",")) expect(labels.has(label.trim())).toBe(true);
  for (const [, matchers] of expression.matchAll(/\{([^}]*)\}/g))
    for (const [, label] of matchers!.matchAll(/(\w+)=/g)) expect(labels.has(label!)).toBe(true);
  for (const [, code] of expression.matchAll(/code="(\w+)"/g)) expect(errorCodes).toContain(code);
  const open: string[] = [];
  for (const bracket of expression.replace(/"[^"]*"/g, "").match(/[()[\]{}]/g) ?? []) {
    if ("([{".includes(bracket)) open.push(bracket);
    else expect(`${open.pop()}${bracket}`).toMatch(/^(\(\)|\[\]|\{\})$/);
  }
  expect(open).toEqual([]);
}

interface Rule {
  [field: string]: string;
}

/** Rules as docs/alerts.yml writes them: a line for each field, two blanks of indent for each level. */
function rules(): Rule[] {
  const found: Rule[] = [];
  for (const line of readFileSync("docs/alerts.yml", "utf8").split("\n")) {
    const match = /^ {6}(- | {2}| {4})(\w+): ?(.*)$/.exec(line);
    if (match?.[1] === "- ") found.push({});
    if (match) found.at(-1)![match[2]!] = match[3]!;
    else expect(line).toMatch(/^(#.*|groups:| {2}- name: tinymls| {4}rules:|)$/);
  }
  return found;
}

describe("docs/alerts.yml", () => {
  test.each(rules().map((rule) => [rule["alert"]!, rule] as const))("%s", (name, rule) => {
    expect(name).toMatch(/^Tinymls[A-Z]\w+$/);
    expect(Object.keys(rule).filter((field) => field !== "for")).toEqual(
      expect.arrayContaining(["alert", "expr", "labels", "severity", "annotations", "summary", "description"]),
    );
    expect(rule["severity"]).toMatch(/^(warning|critical)$/);
    if (rule["for"] !== undefined) expect(rule["for"]).toMatch(/^\d+[smh]$/);
    // A scalar of YAML without quotes ends at ": " and " #", and cannot start with "{".
    for (const text of [rule["expr"]!, rule["summary"]!, rule["description"]!])
      if (!/^"[^"\\]*"$/.test(text)) expect(text).toMatch(/^(?![{[&*!|>%@`"'])(?!.*(: | #)).+$/);
    checkExpression(rule["expr"]!);
    expect(rule["expr"]).toMatch(/ > [0-9.]+$/);
    for (const [, label] of `${rule["summary"]}`.matchAll(/\$labels\.(\w+)/g))
      expect(rule["expr"]!.includes("by (") ? rule["expr"] : "instance").toContain(label);
  });

  test("names are there once, and each is explained", () => {
    const names = rules().map((rule) => rule["alert"]!);
    expect(names.length).toBeGreaterThan(5);
    expect(new Set(names).size).toBe(names.length);
    const guide = readFileSync("docs/observability.md", "utf8");
    expect([...guide.matchAll(/^\| `(Tinymls\w+)`/gm)].map(([, name]) => name)).toEqual(names);
  });
});

describe("docs/dashboard.json", () => {
  const dashboard = JSON.parse(readFileSync("docs/dashboard.json", "utf8"));
  const panels = dashboard.panels.filter(({ type }: { type: string }) => type !== "row");

  test("every panel asks for metrics that exist", () => {
    expect(panels.length).toBeGreaterThan(8);
    for (const { targets } of panels) for (const { expr } of targets) checkExpression(expr);
    for (const { definition } of dashboard.templating.list) if (definition) checkExpression(definition);
  });

  test("every metric has its place", () => {
    const shown = namesIn(JSON.stringify(panels));
    expect([...shown].sort()).toEqual([...metricNames].sort());
  });

  test("panels have ids of their own and do not overlap", () => {
    const ids = dashboard.panels.map(({ id }: { id: number }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    const taken = new Set<string>();
    for (const { gridPos } of dashboard.panels) {
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; ++x)
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; ++y) {
          expect(taken.has(`${x} ${y}`)).toBe(false);
          taken.add(`${x} ${y}`);
        }
      expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
    }
  });
});

test("docs/observability.md tells of every metric, and of no other", () => {
  const guide = readFileSync("docs/observability.md", "utf8");
  const told = [...guide.matchAll(/^\| `(tinymls_\w+)` +\| (counter|gauge|histogram)/gm)].flatMap(([, name, type]) =>
    type === "histogram" ? ["_bucket", "_sum", "_count"].map((part) => `${name}${part}`) : [name],
  );
  expect(told.sort()).toEqual([...metricNames].sort());
});
