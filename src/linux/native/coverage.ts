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
  | { readonly by: 'subsystem'; readonly subsystem: string }
  /** Nobody: calls stop by name. `why`: what keeps the target's own code from it. */
  | { readonly by: 'nobody'; readonly kind: string; readonly why: string };

/** Virtual time that setting a subsystem up may take. */
const SET_UP_NS = 60e9;

/**
 * Who answers for the exports of a kernel. A function of a native subsystem counts only where the subsystem, tried in a kernel of its
 * own, comes up without anything being found.
 */
export class Coverage {
  private readonly broken: ReadonlyMap<string, string>;

  constructor(
    private readonly k: LinuxKernel,
    /** Another kernel of the same target, to try a subsystem in. */
    fresh: () => LinuxKernel,
  ) {
    const tried = k.native ? NATIVE_SUBSYSTEMS.map((one) => [one.name, trySetUp(fresh(), one)] as const) : [];
    this.broken = new Map(tried.flatMap(([name, reason]) => (reason === undefined ? [] : [[name, reason]])));
  }

  /** Subsystems that do not come up on this target, with the reasons. */
  get failures(): ReadonlyMap<string, string> {
    return this.broken;
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
    const { name: subsystem } = decision.subsystem;
    const why = this.broken.get(subsystem);
    return why === undefined ? { by: 'subsystem', subsystem } : { by: 'nobody', kind: 'not set up', why };
  }
}

/** Sets a subsystem up in a kernel that is for nothing else; what went wrong, if anything did. */
export function trySetUp(k: LinuxKernel, subsystem: NativeSubsystem): string | undefined {
  let done = false;
  const { native } = k;
  const task = k.processes.create(
    'init',
    (function* () {
      yield* native!.setUp(subsystem);
      done = true;
      return 0;
    })(),
  );
  k.scheduler.run(() => task.ended, k.clock.now + SET_UP_NS);
  const [report] = k.traps.reports;
  if (report) return `${report.message} at ${report.at}`;
  return done ? undefined : 'it does not come to an end';
}
