import type { FieldStep, Json, SelectStep } from "./codec.js";
import type { ConditionalField, Fields, Part, Select, Struct, Variant } from "./declaration.js";
import { located, misfit } from "./fault.js";
import type { Reader } from "./reader.js";
import type { Writer } from "./writer.js";

export type Values = Record<string, unknown>;

function isSelect(part: Part): part is Select<unknown> {
  return part["kind"] === "select";
}

export function stepsOf(parts: readonly Part[]): FieldStep[] {
  return parts.flatMap((part) => (isSelect(part) ? [selectStep(part)] : fieldSteps(part)));
}

function variantSteps(variant: Variant): FieldStep[] {
  return "parts" in variant ? stepsOf((variant as Struct<unknown>).parts) : fieldSteps(variant);
}

function fieldSteps(fields: Fields): FieldStep[] {
  return Object.entries(fields).map(([key, codec]) => ({
    key,
    codec,
    condition:
      "conditional" in codec ? ((codec as ConditionalField<unknown>).conditional as FieldStep["condition"]) : undefined,
    select: undefined,
  }));
}

function selectStep(part: Select<unknown>): FieldStep {
  const variants = new Map([...part.variants].map(([value, fields]) => [value, variantSteps(fields)]));
  const otherwise = part.otherwise && fieldSteps(part.otherwise);
  return { key: part.tag, codec: part.enumeration, condition: undefined, select: { variants, otherwise } };
}

function branches(select: SelectStep): (readonly FieldStep[])[] {
  return [...select.variants.values(), ...(select.otherwise ? [select.otherwise] : [])];
}

export function greatestDepth(steps: readonly FieldStep[]): number {
  return Math.max(
    0,
    ...steps.map(({ codec, select }) => Math.max(codec.depth, ...(select ? branches(select).map(greatestDepth) : []))),
  );
}

export function leastSize(steps: readonly FieldStep[]): number {
  const sizeOf = ({ codec, select }: FieldStep) =>
    codec.minSize + (select ? Math.min(...branches(select).map(leastSize)) : 0);
  return steps.reduce((sum, step) => sum + sizeOf(step), 0);
}

/** Value 0 is reserved in every enum and registry of RFC 9420: it stands for nothing. */
function variantOf(select: SelectStep, tag: unknown): readonly FieldStep[] | undefined {
  return select.variants.get(tag as number) ?? (tag === 0 ? undefined : select.otherwise);
}

const meaningless = (step: FieldStep, tag: unknown) =>
  `${String(tag)} is not a ${step.codec.name} that has a meaning here`;

export function readSteps(steps: readonly FieldStep[], r: Reader, value: Values): void {
  let index = 0;
  let inVariant = false;
  try {
    for (; index < steps.length; index++) {
      const step = steps[index]!;
      if (step.condition !== undefined && !step.condition(value)) continue;
      const start = r.offset;
      const field: unknown = step.codec.read(r, value);
      value[step.key] = field;
      if (step.select === undefined) continue;
      const variant = variantOf(step.select, field);
      if (variant === undefined) throw r.fault(meaningless(step, field), start);
      inVariant = true;
      readSteps(variant, r, value);
      inVariant = false;
    }
  } catch (error) {
    throw inVariant ? error : located(error, steps[index]!.key);
  }
}

export function writeSteps(steps: readonly FieldStep[], w: Writer, value: Values): void {
  let index = 0;
  let inVariant = false;
  try {
    for (; index < steps.length; index++) {
      const step = steps[index]!;
      const field = value[step.key];
      if (isAbsent(step, value, field)) continue;
      step.codec.write(w, field, value);
      if (step.select === undefined) continue;
      const variant = variantOf(step.select, field);
      if (variant === undefined) throw misfit(meaningless(step, field));
      inVariant = true;
      writeSteps(variant, w, value);
      inVariant = false;
    }
  } catch (error) {
    throw inVariant ? error : located(error, steps[index]!.key);
  }
}

export function jsonSteps(steps: readonly FieldStep[], value: Values, out: Record<string, Json>): void {
  for (const step of steps) {
    const field = value[step.key];
    try {
      if (isAbsent(step, value, field)) continue;
      out[step.key] = step.codec.json(field, value);
      if (step.select && !variantOf(step.select, field)) throw misfit(meaningless(step, field));
    } catch (error) {
      throw located(error, step.key);
    }
    if (step.select) jsonSteps(variantOf(step.select, field)!, value, out);
  }
}

function isAbsent(step: FieldStep, value: Values, field: unknown): boolean {
  if (step.condition === undefined || step.condition(value)) return false;
  if (field !== undefined) throw misfit("a field that this kind of struct does not have");
  return true;
}

export function checkObject(value: unknown): Values {
  if (typeof value === "object" && value !== null) return value as Values;
  throw misfit("an object is wanted");
}
