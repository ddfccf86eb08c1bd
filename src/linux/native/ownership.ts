import type { KernelImage } from '../../target/image/kernel-image.js';
import { PART, PRIVILEGED, UNDECODED } from '../../target/image/references.js';
import type { Target } from '../../target/index.js';
import { AS_BUILT } from './as-built.js';
import { beyondOf } from './beyond.js';
import type { BootCode } from './boot-code.js';
import type { ImageGraph } from './image-graph.js';
import { Incidental } from './incidental.js';
import { lowOf, PLACE, wholeOf } from './places.js';

/** Why a native function may not run by itself. `via` is the function, itself or one that it leads to, that is in the way. */
export type Hindrance =
  /** It touches a variable whose contents TypeScript keeps elsewhere. */
  | { readonly kind: 'trespasser'; readonly via: string; readonly variable: string }
  /** It is a part of something that TypeScript does in another way. */
  | { readonly kind: 'internal'; readonly via: string; readonly of: string }
  /** It is for something that modbox's machine never is or has. */
  | { readonly kind: 'beyond'; readonly via: string; readonly what: string }
  /** It handles the machine itself, or has instructions that are not translated. */
  | { readonly kind: 'privileged'; readonly via: string }
  /** It only runs while a kernel boots. */
  | { readonly kind: 'init'; readonly via: string }
  /** It leads to so many functions that nobody can say what it does. */
  | { readonly kind: 'huge' };

/** What a native function, and everything that it calls by name, does. */
export type Verdict =
  /** It touches no variable: its result depends on its arguments and on memory that they point to. */
  | { readonly kind: 'pure' }
  /** It touches variables of its own that begin as the image has them. */
  | { readonly kind: 'own-data'; readonly variables: readonly string[] }
  /** It touches variables that code run at boot sets: places in `unset`, their names in `variables`. */
  | { readonly kind: 'needs-init'; readonly variables: readonly string[]; readonly unset: readonly number[] }
  | Hindrance;

/** What TypeScript has of a kernel, as far as ownership depends on it. */
export interface Implemented {
  /** Addresses of the functions that it has, and of code that the processor does itself, with their names. */
  readonly functions: ReadonlyMap<bigint, string>;
  /** Whether it leaves a function that it has to the image. */
  readonly leaves: (name: string) => boolean;
  /** Variables that it has asked for by name or fills at boot. */
  readonly variables: ReadonlySet<string>;
  /** Variables that it keeps in the kernel's own form. */
  readonly kept: ReadonlySet<string>;
  /** Functions that do nothing on modbox's machine: what their native bodies keep TypeScript does not keep elsewhere. */
  readonly idle: ReadonlySet<string>;
  /** The kernel is one with CONFIG_PREEMPT_RT. */
  readonly isRt: boolean;
}

/** Functions that are looked at before giving up. */
const HUGE = 3000;

/** Where the running task is: struct pcpu_hot begins with it. */
const CURRENT = new Set(['current_task', 'pcpu_hot']);

/**
 * What is only gone to while a tracepoint is on that lies where RCU does not watch (`trace_..._rcuidle`). TypeScript's RCU always
 * does.
 */
const UNWATCHED = /^(ct|rcu)_irq_(enter|exit)(_irqson)?$/;

/**
 * What bodies of TypeScript's functions call, and TypeScript does in no other way: it has no security modules to ask, queues no
 * requests in a plug, ages no pages, handles a socket's backlog as the kernel does, and sends nothing over connections, which only native
 * code could make. It holds no BTF object, and shows its log to nobody when it panics. Where a device's processors send, and
 * the disciplines of its queues, are native code's, which TypeScript calls.
 */
const NOT_DONE =
  /^(security_\w+|__blk_flush_plug|__page_cache_release(\.part\.0)?|__release_sock|btf_put|kmsg_dump|netif_reset_xps_queues|dev_shutdown|(__)?tcp_(push_pending_frames|current_mss|send_active_reset|send_ack|send_fin|write_xmit|transmit_skb|tasklet_\w+|mtu_probe|rearm_rto)(\.\w+)*)$/;

/** What sysctl(8) sets, each a variable of its own that TypeScript does not keep elsewhere. */
const SETTING =
  /^(sysctl_|key_quota_|key_gc_delay$|gro_normal_batch$|netdev_(tstamp_prequeue|budget|budget_usecs|max_backlog)$)/;

/** Remembers what was found of a place. */
function remembered<T>(find: (place: number) => T): (place: number) => T {
  const known = new Map<number, T>();
  return (place) => {
    let value = known.get(place);
    if (value === undefined) {
      value = find(place);
      known.set(place, value);
    }
    return value;
  };
}

/**
 * Which functions of an image may run beside TypeScript's, from what its code refers to. A private variable that the native body of
 * a function refers to which TypeScript has is TypeScript's. Nothing is found out before it is asked for.
 */
export class Ownership {
  /** Places that are entries of functions which TypeScript has. */
  private readonly implemented: Uint8Array;
  private readonly names: ReadonlySet<string>;
  private readonly incidental: Incidental;

  constructor(
    private readonly graph: ImageGraph,
    image: KernelImage,
    private readonly target: Target,
    private readonly has: Implemented,
    private readonly boot: BootCode,
  ) {
    this.implemented = new Uint8Array(graph.kinds.length);
    this.names = new Set(has.functions.values());
    this.incidental = new Incidental(graph, image, (place) => this.bodyOf(place), has.isRt);
    for (const address of has.functions.keys()) {
      const place = graph.entryAt(lowOf(address));
      if (place >= 0) this.implemented[place] = 1;
    }
  }

  /** What a function of the image, and all that it leads to, does. */
  readonly verdict = remembered((place): Verdict => this.judge(place));

  /** Whether a variable is TypeScript's: native code would not find in it what it expects. */
  readonly isOwned = remembered((place): boolean => {
    const { graph } = this;
    if (!this.isState(place) || this.isExported(place) || SETTING.test(graph.nameOf(place))) return false;
    return (
      this.has.variables.has(graph.nameOf(place)) ||
      graph.referrersOf(place).some((at) => this.isWorkingBody(at) && this.means(at, place))
    );
  });

  /** Whether code that runs at boot sets a variable, so that it is not right as the image has it. */
  readonly isSetByInit = remembered((place): boolean => {
    const { functions, others } = this.boot.setAtBoot(place);
    return functions.length > 0 || others.length > 0;
  });

  /** Whether a variable holds something that the behaviour of who touches it may depend on, and that TypeScript does not keep. */
  readonly isState = remembered((place): boolean => {
    const { graph } = this;
    // Per-CPU offset 0 is fixed_percpu_data: the stack protector's value.
    if (!graph.isVariable(place) || graph.addressOf(place) === 0) return false;
    const name = graph.nameOf(place);
    const { variables, kept: declared } = this.has;
    const kept = declared.has(name) || (variables.has(name) && this.target.exports.has(name));
    return !kept && !AS_BUILT.has(name) && !CURRENT.has(name) && !this.incidental.has(place);
  });

  /** Variables with a state that a function itself refers to. */
  private readonly stateOf = remembered((place): readonly number[] =>
    [...this.graph.targetsOf(place)].filter((target) => this.isState(target) && this.means(place, target)),
  );

  /** Whether a function means a variable, not the class of a lock that has no bytes and the same address. */
  private means(place: number, variable: number): boolean {
    return !this.graph.isLockClass(variable) || !this.boot.accesses.meansLockClass(place, variable);
  }

  /** What keeps a function itself, wherever it leads to, from running. Variables that code run at boot sets do not. */
  hindrance(place: number): Hindrance | undefined {
    return this.directHindrance(place) ?? this.internal(place);
  }

  /** What keeps a function that runs at boot from running here, when that is made up for. */
  bootHindrance(place: number): Hindrance | undefined {
    return this.handling(place) ?? this.trespass(place);
  }

  /** Whether TypeScript has the function at a place. */
  isImplemented(place: number): boolean {
    return this.implemented[place] !== 0;
  }

  /** Variables that a function itself refers to and that code run at boot sets. */
  initVariables(place: number): readonly number[] {
    return this.stateOf(place).filter((target) => this.isSetByInit(target));
  }

  /** Variables that a function, or what it leads to, refers to and that change once the kernel is up. */
  keptBy(place: number): readonly number[] {
    const touched = new Set(this.reach(place).flatMap((at) => this.stateOf(at)));
    return [...touched].filter((at) => this.changes(at));
  }

  private readonly changes = remembered((place): boolean => this.boot.changesLater(place));

  /** Whether a function, or what it leads to, asks which task runs, and so may look into its task_struct. */
  readonly knowsCurrent = remembered((place): boolean =>
    this.reach(place).some((at) => this.graph.targetsOf(at).some((target) => this.isCurrent(target))),
  );

  private readonly isCurrent = remembered(
    (place): boolean => this.graph.isVariable(place) && CURRENT.has(this.graph.nameOf(place)),
  );

  /** Functions of the image that run where one is called. */
  reach(place: number): readonly number[] {
    return this.graph.reach(place, this.isLeaf, HUGE);
  }

  /** Whether something else answers where a function is called from native code, or it is not called. */
  readonly isLeaf = remembered(
    (place): boolean => this.isImplemented(place) || this.isUnwatched(place) || this.isBeyond(place),
  );

  private isBeyond(place: number): boolean {
    return beyondOf(this.graph.nameOf(place)) !== undefined;
  }

  private readonly isUnwatched = remembered((place): boolean => UNWATCHED.test(this.graph.nameOf(place)));

  private isExported(place: number): boolean {
    return this.target.exports.has(this.graph.nameOf(place));
  }

  /** Whether a function is for others to call: exported or, where exports are trimmed, left to the image all the same. */
  isOffered(place: number): boolean {
    return this.isExported(place) || this.has.leaves(this.graph.nameOf(place));
  }

  /** The native bodies of functions that TypeScript has, and parts of such. */
  *bodies(): Generator<number> {
    for (let place = 0; place < this.implemented.length; place++)
      if (this.graph.isCode(place) && this.isBody(place)) yield place;
  }

  /** Whether a place is the native body of a function that TypeScript has, or a part of one. */
  isBody(place: number): boolean {
    return this.bodyOf(place) !== undefined;
  }

  private isWorkingBody(place: number): boolean {
    const name = this.bodyOf(place);
    return name !== undefined && !this.has.idle.has(wholeOf(name));
  }

  /** The name of the function that TypeScript has and whose native body, or a part of it, is at a place. */
  private bodyOf(place: number): string | undefined {
    const name = this.graph.nameOf(place);
    if (this.isImplemented(place)) return name;
    if ((this.graph.flags[place] & PART) === 0) return undefined;
    const whole = wholeOf(name);
    return this.names.has(whole) ? whole : undefined;
  }

  private directHindrance(place: number): Hindrance | undefined {
    const { graph } = this;
    const kind = graph.kinds[place];
    if (kind === PLACE.initText || kind === PLACE.exitText) return { kind: 'init', via: graph.nameOf(place) };
    return this.beyond(place) ?? this.handling(place) ?? this.trespass(place);
  }

  private beyond(place: number): Hindrance | undefined {
    const via = this.graph.nameOf(place);
    const what = beyondOf(via);
    return what === undefined ? undefined : { kind: 'beyond', via, what };
  }

  private handling(place: number): Hindrance | undefined {
    const { graph } = this;
    if ((graph.flags[place] & (PRIVILEGED | UNDECODED)) === 0) return undefined;
    return { kind: 'privileged', via: graph.nameOf(place) };
  }

  private trespass(place: number): Hindrance | undefined {
    const { graph } = this;
    const variable = this.stateOf(place).find((target) => this.isOwned(target));
    if (variable === undefined) return undefined;
    return { kind: 'trespasser', via: graph.nameOf(place), variable: graph.nameOf(variable) };
  }

  /** A function that bodies of TypeScript's functions call: who enters it by another way skips what TypeScript does. */
  private internal(place: number): Hindrance | undefined {
    const { graph } = this;
    const caller = graph.referrersOf(place).find((at) => this.isBody(at));
    if (caller === undefined || this.isOffered(place) || NOT_DONE.test(graph.nameOf(place))) return undefined;
    if (this.isPure(place) || this.leavesNothing(place)) return undefined;
    return { kind: 'internal', via: graph.nameOf(place), of: graph.nameOf(caller) };
  }

  /** Whether nothing that a function, or what it leads to, refers to changes once the kernel is up: what it does is in what it is given. */
  private readonly leavesNothing = remembered((place): boolean => {
    const reached = this.reach(place);
    return (
      reached.length < HUGE &&
      reached.every((at) => !this.directHindrance(at)) &&
      this.keptBy(place).length === 0
    );
  });

  private readonly isPure = remembered((place): boolean => {
    const reached = this.reach(place);
    return reached.length < HUGE && reached.every((at) => this.isPureItself(at));
  });

  private readonly isPureItself = remembered(
    (place): boolean => !this.directHindrance(place) && this.stateOf(place).length === 0,
  );

  private judge(root: number): Verdict {
    if (this.isPure(root)) return { kind: 'pure' };
    const { graph } = this;
    const places = this.reach(root);
    for (const place of places) {
      const hindrance = this.hindrance(place);
      if (hindrance) return hindrance;
    }
    if (places.length >= HUGE) return { kind: 'huge' };
    const variables = [...new Set(places.flatMap((place) => this.stateOf(place)))];
    const unset = variables.filter((place) => this.isSetByInit(place));
    const namesOf = (found: readonly number[]): string[] => found.map((place) => graph.nameOf(place));
    if (unset.length === 0) return { kind: 'own-data', variables: namesOf(variables) };
    return { kind: 'needs-init', variables: namesOf(unset), unset };
  }
}
