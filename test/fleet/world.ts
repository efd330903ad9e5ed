import { afterEach } from "@jest/globals";
import { Context, TinyMlsError, Vault, type FleetOptions } from "tinymls";

export const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
export const key = { key: Buffer.alloc(32, 7) };
export const head = "context/web/head";
export const epochKey = (epoch: number) => `context/web/epoch/${String(epoch).padStart(10, "0")}`;

const open: Context[] = [];
afterEach(() => {
  for (const context of open.splice(0)) context.close();
});

/** A machine of the fleet `web`. The lead before a new epoch seals is an eighth of `maxKeyAge`, 2 s at most. */
export async function machine(options: Partial<FleetOptions> & Pick<FleetOptions, "storage">): Promise<Context> {
  const vaulted = options.storage instanceof Vault || "storageKey" in options;
  const context = await Context.open({
    name: "web",
    gcInterval: 20,
    ...(vaulted ? {} : { storageKey: key }),
    ...options,
  });
  open.push(context);
  return context;
}

export function refused(call: () => unknown) {
  try {
    call();
  } catch (error) {
    if (error instanceof TinyMlsError) return { code: error.code, retryable: error.retryable, rule: error.rule };
    throw error;
  }
  throw new Error("it was not refused");
}

export const says = (from: Context, to: Context, text = "text") => to.decrypt(from.encrypt(text)).toString();
