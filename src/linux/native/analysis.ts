import type { KernelImage } from '../../target/image/kernel-image.js';
import type { LinuxKernel } from '../kernel.js';
import { BootCode } from './boot-code.js';
import { ImageGraph } from './image-graph.js';
import { neglectedMembers } from './members/index.js';
import type { NeglectedMembers } from './members/neglect.js';
import { Ownership } from './ownership.js';
import { lowOf } from './places.js';
import { SharedStructs } from './shared-structs.js';

/** What is found out about an image beside a certain set of TypeScript's functions and variables. */
export interface Analysis {
  readonly graph: ImageGraph;
  readonly boot: BootCode;
  readonly ownership: Ownership;
  readonly shared: SharedStructs;
  readonly members: NeglectedMembers;
  /** Names that TypeScript's functions are defined under, by the lower half of their addresses. */
  readonly names: ReadonlyMap<number, string>;
  readonly exported: ReadonlySet<string>;
  readonly variables: ReadonlySet<string>;
  readonly kept: ReadonlySet<string>;
}

/** Machine after machine of a process finds out the same. */
const known = new WeakMap<KernelImage, Analysis[]>();

/** The analysis of an image for a kernel as it is now. */
export function analysisOf(image: KernelImage, k: LinuxKernel): Analysis {
  const { variables, kept } = k;
  const { exported } = k.exports;
  const made = known.get(image) ?? [];
  known.set(image, made);
  const found = made.find(
    (one) => same(one.variables, variables) && same(one.exported, exported) && same(one.kept, kept),
  );
  if (found) return found;
  const graph = made[0]?.graph ?? new ImageGraph(image, k.target);
  const boot = made[0]?.boot ?? new BootCode(image, graph, k.target);
  const functions = new Map<bigint, string>();
  for (const [address, name] of k.exports.places()) functions.set(k.space.toAddress(address), name);
  const isRt = k.configured('CONFIG_PREEMPT_RT');
  const idle = new Set([...exported].filter((name) => k.exports.doesNothing(name)));
  const leaves = (name: string): boolean => k.native?.replaces(name) ?? false;
  const has = { functions, leaves, variables, kept, idle, isRt };
  const ownership = new Ownership(graph, image, k.target, has, boot);
  const makers = [...exported].filter((name) => !idle.has(name));
  const shared = new SharedStructs(k.types, () => makers);
  const members = neglectedMembers(image, k.target, { graph, ownership, shared, idle });
  const names = new Map([...functions].map(([address, name]) => [lowOf(address), name]));
  const analysis: Analysis = {
    graph,
    boot,
    ownership,
    shared,
    members,
    names,
    exported: new Set(exported),
    variables,
    kept,
  };
  made.push(analysis);
  return analysis;
}

function same(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  if (a.size !== b.size) return false;
  for (const name of a) if (!b.has(name)) return false;
  return true;
}
