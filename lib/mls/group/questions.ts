import { TinyMlsError } from "../../errors.js";
import type { AuthenticationService } from "./authentication.js";
import type { GroupEnvironment } from "./member-state.js";

type Answer = boolean | Promise<boolean>;

/**
 * What the application is asked for a group, or a client, until that closes. Closing waits for the operations under way, and these for
 * answers: which may never come, or wait for the closing themselves. So closing ends the questions, and the operations with them.
 */
export class Questions {
  /** Asks the application, and fails with `closed` instead of waiting while the questions are ended. */
  readonly service: AuthenticationService;
  readonly #waiting = new Set<(error: TinyMlsError) => void>();
  #ends = 0;

  constructor(service: AuthenticationService) {
    const ask = (answer: Answer): Answer => (typeof answer === "boolean" ? answer : this.#wait(answer));
    const asking: AuthenticationService = {
      validateCredential: (...about) => ask(service.validateCredential(...about)),
      isValidSuccessor: (...about) => ask(service.isValidSuccessor(...about)),
    };
    // What an application does not judge stays away: there are defaults for it.
    if (service.isSameClient) asking.isSameClient = (...about) => ask(service.isSameClient!(...about));
    if (service.mayJoinExternally) asking.mayJoinExternally = (...about) => ask(service.mayJoinExternally!(...about));
    if (service.mayProposeItself) asking.mayProposeItself = (...about) => ask(service.mayProposeItself!(...about));
    this.service = asking;
  }

  /** Waits for no answer any more, unless closing fails. */
  async end(close: () => Promise<void>): Promise<void> {
    this.#ends++;
    for (const reject of this.#waiting) reject(closed());
    try {
      await close();
    } catch (error) {
      this.#ends--;
      throw error;
    }
  }

  #wait(answer: Promise<boolean>): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const settle = (): void => void this.#waiting.delete(reject);
      Promise.resolve(answer).then(resolve, reject).finally(settle);
      if (this.#ends > 0) reject(closed());
      else this.#waiting.add(reject);
    });
  }
}

/** What a client and its groups have in common, with questions of its own that end with those of the one given. */
export function withQuestions(environment: Omit<GroupEnvironment, "questions">): GroupEnvironment {
  const { policy } = environment;
  const questions = new Questions(policy.authentication);
  return { ...environment, questions, policy: { ...policy, authentication: questions.service } };
}

function closed(): TinyMlsError {
  return new TinyMlsError("closed", "closed while the application judged a credential", {
    component: "mls",
    retryable: false,
  });
}
