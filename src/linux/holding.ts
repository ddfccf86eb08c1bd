import type { Ptr } from '../cpu/layout.js';
import type { Sleepable } from '../kernel/effects.js';
import type { Holder as KernelHolder, Holding as KernelHolding } from '../kernel/modules/holding.js';
import type { LinuxKernel } from './kernel.js';

export type { Origin } from '../kernel/modules/holding.js';
export { Origins } from '../kernel/modules/holding.js';

/** As in every system, with what is Linux's own: the directories of objects in sysfs. */
export interface Holding extends KernelHolding {
  /** Its directories in sysfs. */
  readonly kobjects?: readonly Ptr[];
  /** The kobject whose directory it is in: it goes with that. */
  readonly within?: Ptr;
}

/** The kind of a bare kobject. */
export const KOBJECT = 'kobject';

/** Whoever keeps things for others. Subsystems are; so are the lists and tables that they are made of. */
export type Holder = KernelHolder<Holding>;

/** How structs of a type are told: what they are, which member names them, which point to code and tables. */
export interface HeldStruct {
  readonly kind: string;
  readonly struct: string;
  /** A character array or a `char *`. */
  readonly name?: string;
  /** Members that are pointers; those that the target does not have are left out. */
  readonly uses?: readonly string[];
}

/** A holding for every struct that can still be read. */
export function* heldStructs(
  k: LinuxKernel,
  { kind, struct, name, uses = [] }: HeldStruct,
  pointers: Iterable<Ptr>,
): Generator<Holding> {
  const type = k.struct(struct);
  for (const at of pointers) {
    if (at === 0 || !k.space.canRead(at, type.size)) continue;
    yield {
      kind,
      at,
      uses: uses.filter((member) => type.has(member)).map((member) => type.get(at, member)),
      name: () => (name === undefined || !type.has(name) ? '' : textMember(k, struct, at, name)),
    };
  }
}

function textMember(k: LinuxKernel, struct: string, at: Ptr, name: string): string {
  const type = k.struct(struct);
  return type.member(name).kind === 'ptr' ? type.string(at, name) : type.text(at, name);
}

/** The structs of a list that hang on it by a list_head; ends where the list leads out of memory. */
export function* listedStructs(k: LinuxKernel, struct: string, member: string, head: Ptr): Generator<Ptr> {
  const type = k.struct(struct);
  const seen = new Set<Ptr>();
  for (
    let node = nextNode(k, head);
    node !== head && node !== 0 && !seen.has(node);
    node = nextNode(k, node)
  ) {
    seen.add(node);
    yield type.of(node, member);
  }
}

function nextNode(k: LinuxKernel, node: Ptr): Ptr {
  return node !== 0 && k.space.canRead(node, 8) ? k.space.loadPtr(node) : 0;
}

/**
 * Runs what makes something for the kernel itself while a module's call is served, such as a directory that others will share: it
 * is not of the module that happened to come first.
 */
export function* asKernel<T>(k: LinuxKernel, body: () => Sleepable<T>): Sleepable<T> {
  const task = k.executor.current;
  const { caller } = k;
  if (task) task.caller = 0;
  try {
    return yield* body();
  } finally {
    if (task) task.caller = caller;
  }
}
