import { native } from "./addon.js";
import { checked } from "./faults.js";
import { Fleet } from "./fleet/fleet.js";
import type { FleetOptions } from "./fleet/options.js";
import type { ContextOptions } from "./options.js";
import { tokenValue, type ContextToken } from "./token.js";

/** What `Context.attach` and `Context.open` hand to the constructor. */
export class Opened {
  constructor(
    readonly handle: number,
    readonly options: Pick<ContextOptions, "gcInterval" | "name" | "logger">,
    readonly fleet?: Fleet,
  ) {}

  static async fleet(options: FleetOptions): Promise<Opened> {
    const fleet = await Fleet.open(options);
    return new Opened(fleet.handle, options, fleet);
  }

  /** The key ring that the token names. */
  static attach(token: ContextToken, options: Opened["options"]): Opened {
    const operation = "Context.attach";
    const handle = checked(native.contextAttach(tokenValue(token, operation)), operation);
    return new Opened(handle, { gcInterval: token.gcInterval, ...(token.name && { name: token.name }), ...options });
  }
}
