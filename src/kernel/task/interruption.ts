/** Why a command of the machine is stopped from outside: by its user, by a limit of the user's, or of the host. */
export type Interruption = 'interrupted' | 'timeout' | 'host-memory' | 'work';

/** What is said of a task that is stopped so. `instructions` is the limit of `work`. */
export function describeInterruption(reason: Interruption, name: string, instructions: number): string {
  switch (reason) {
    case 'interrupted':
      return `modbox: ${name} was interrupted`;
    case 'timeout':
      return `modbox: ${name} was stopped: the time that it was given is over`;
    case 'host-memory':
      return `modbox: ${name} was stopped: what it made takes too much of the host's memory`;
    case 'work':
      return `modbox: ${name} was stopped after ${instructions} instructions, or as much work; nobody knows whether it would have ended`;
  }
}

/** Looks now and then whether the command that runs is to be stopped. */
export class InterruptionPoint {
  /** Why it was stopped; it stays until the next command begins. */
  reason: Interruption | undefined;
  private workEnd = Number.POSITIVE_INFINITY;
  private polls = 0;

  constructor(
    private readonly elapsed: () => number,
    /** Instructions, or as much work, that a command may take. */
    readonly workLimit: number,
    /** Asked from time to time. */
    private readonly ask: () => Interruption | undefined,
  ) {}

  /** A command begins. */
  begin(limit = this.workLimit): void {
    this.reason = undefined;
    this.workEnd = this.elapsed() + limit;
  }

  /** Called often: asks at every `every`th time. */
  poll(every: number): Interruption | undefined {
    if (this.reason || ++this.polls % every !== 0) return this.reason;
    this.reason = this.elapsed() > this.workEnd ? 'work' : this.ask();
    return this.reason;
  }
}
