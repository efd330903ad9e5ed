/** A scenario of the interoperability tests: steps that name actors and, by their index, earlier steps. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** A step's parameters, names in lower case without underscores: the scenarios spell them in several ways. */
export type Step = Readonly<Record<string, unknown>>;

export interface Scenario {
  /** File and name. */
  readonly title: string;
  readonly steps: readonly Step[];
}

/** The folder of the scenarios: `$TINYMLS_INTEROP`, or `../shared/interop` beside the repository. */
export function scenarioFolder(): string | undefined {
  const given = process.env["TINYMLS_INTEROP"];
  const folder = given ? given : join(process.cwd(), "../shared/interop");
  return existsSync(join(folder, "configs")) ? folder : undefined;
}

export function readScenarios(folder: string): Scenario[] {
  const configs = join(folder, "configs");
  return readdirSync(configs)
    .filter((name) => name.endsWith(".json"))
    .sort()
    .flatMap((name) => {
      const { scripts } = JSON.parse(readFileSync(join(configs, name), "utf8")) as { scripts: Record<string, Step[]> };
      return Object.entries(scripts).map(([script, steps]) => ({
        title: `${name} ${script}`,
        steps: steps.map((step) => normalized(step) as Step),
      }));
    });
}

function normalized(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(normalized);
  if (value === null || typeof value !== "object") return value;
  const entries = Object.entries(value).map(([name, field]) => [
    name.toLowerCase().replaceAll("_", ""),
    normalized(field),
  ]);
  return Object.fromEntries(entries);
}

/** All that a scenario lets act. */
export function actorsOf({ steps }: Scenario): string[] {
  const names = steps.flatMap((step) => {
    const single = ["actor", "joiner", "signer", "proposer", "committer", "welcomer"].map((name) => step[name]);
    return [...single, ...texts(step, "members"), ...texts(step, "clients")];
  });
  return [...new Set(names.filter((name): name is string => typeof name === "string"))];
}

export function text(step: Step, name: string): string {
  const value = step[name];
  if (typeof value !== "string") throw new Error(`${name} is no text in ${JSON.stringify(step)}`);
  return value;
}

export function texts(step: Step, name: string): string[] {
  return (step[name] as string[] | undefined) ?? [];
}

export function index(step: Step, name: string): number {
  const value = step[name];
  if (typeof value !== "number") throw new Error(`${name} is no number in ${JSON.stringify(step)}`);
  return value;
}

export function indices(step: Step, name: string): number[] {
  return (step[name] as number[] | undefined) ?? [];
}

export const flag = (step: Step, name: string): boolean => step[name] === true;

export function extensions(step: Step): { extensionType: number; extensionData: Buffer }[] {
  const list = (step["extensions"] as { extensiontype: number; extensiondata: string }[] | undefined) ?? [];
  return list.map(({ extensiontype, extensiondata }) => ({
    extensionType: extensiontype,
    extensionData: Buffer.from(extensiondata, "base64"),
  }));
}
