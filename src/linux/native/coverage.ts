import type { LinuxKernel } from '../kernel.js';
import type { NativeSubsystem } from './subsystem.js';
import { NATIVE_SUBSYSTEMS } from './subsystems.js';

/** Who answers when guest code calls a function that the kernel exports. */
export type Answer =
  | { readonly by: 'typescript' }
  /** TypeScript, which does less than the kernel: `limit` says what. */
  | { readonly by: 'partly'; readonly limit: string }
  /** The target's own code, which depends on nothing else. */
  | { readonly by: 'native' }
  /** The target's own code, as a part of a declared subsystem. */
  | { readonly by: 'subsystem'; readonly subsystem: string }
  /** The target's own code, once what else is named has been set up, init calls mostly. */
  | { readonly by: 'set up'; readonly subsystems: readonly string[] }
  /**
   * Nobody: calls stop by name. `why`: what keeps the target's own code from it; `needs`: what would have to be set up first and does
   * not come up.
   */
  | { readonly by: 'nobody'; readonly kind: string; readonly why: string; readonly needs?: string };

/** Virtual time that setting a subsystem up may take. */
const SET_UP_NS = 60e9;

/**
 * Who answers for the exports of a kernel. A function that needs something set up counts only where that, tried in a kernel of its own,
 * comes up without anything being found. Nothing is tried before a function asks for it.
 */
export class Coverage {
  private readonly tried = new Map<NativeSubsystem, string | undefined>();

  constructor(
    private readonly k: LinuxKernel,
    /** Another kernel of the same target, to try a subsystem in. */
    private readonly fresh: () => LinuxKernel,
  ) {}

  /** Subsystems that were tried, in that order, and do not come up on this target, with the reasons. */
  get failures(): ReadonlyMap<string, string> {
    return new Map(
      [...this.tried].flatMap(([{ name }, reason]) => (reason === undefined ? [] : [[name, reason]])),
    );
  }

  of(name: string): Answer {
    const { exports, native } = this.k;
    if (exports.implemented(name)) {
      const limit = exports.limitOf(name);
      return limit === undefined ? { by: 'typescript' } : { by: 'partly', limit };
    }
    if (!native) return { by: 'nobody', kind: 'no image', why: '' };
    const decision = native.decide(name);
    if (decision.kind === 'runs') return { by: 'native' };
    if (decision.kind === 'stops') return { by: 'nobody', kind: decision.verdict, why: decision.why };
    const { subsystems } = decision;
    for (const one of subsystems) {
      const reason = this.try(one);
      if (reason !== undefined)
        return {
          by: 'nobody',
          kind: 'not set up',
          needs: one.name,
          why: `${name} needs ${one.name}, which does not come up: ${reason}`,
        };
    }
    const offering = NATIVE_SUBSYSTEMS.find(({ functions }) => functions.test(name));
    return offering
      ? { by: 'subsystem', subsystem: offering.name }
      : { by: 'set up', subsystems: subsystems.map((one) => one.name) };
  }

  private try(subsystem: NativeSubsystem): string | undefined {
    if (!this.tried.has(subsystem)) this.tried.set(subsystem, trySetUp(this.fresh(), subsystem));
    return this.tried.get(subsystem);
  }
}

/** Sets a subsystem up in a kernel that is for nothing else; what went wrong, if anything did. */
export function trySetUp(k: LinuxKernel, subsystem: NativeSubsystem): string | undefined {
  let done = false;
  const { native } = k;
  const task = k.processes.create(
    'init',
    (function* () {
      yield* native!.setUp([subsystem]);
      done = true;
      return 0;
    })(),
  );
  k.scheduler.run(() => task.ended, k.clock.now + SET_UP_NS);
  const [stop] = k.traps.unimplemented;
  if (stop?.why) return stop.why.replace(/^native: /, '');
  const [report] = k.traps.reports;
  if (report) return `${report.message} at ${report.at}`;
  return done ? undefined : 'it does not come to an end';
}
