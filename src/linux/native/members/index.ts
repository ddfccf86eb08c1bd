import type { KernelImage } from '../../../target/image/kernel-image.js';
import type { LinuxTarget } from '../../../target/index.js';
import type { ImageGraph } from '../image-graph.js';
import type { Ownership } from '../ownership.js';
import type { SharedStructs } from '../shared-structs.js';
import { Accesses } from './closure.js';
import { ImageProgram } from './image-program.js';
import { Inside } from './inside.js';
import { NeglectedMembers } from './neglect.js';
import { StructMap } from './struct-map.js';

/** What is known of an image beside TypeScript's functions. */
interface Known {
  readonly graph: ImageGraph;
  readonly ownership: Ownership;
  readonly shared: SharedStructs;
  /** Functions of TypeScript's that neither make nor change anything. */
  readonly idle: ReadonlySet<string>;
}

/** Which members of structs TypeScript does not keep, and who looks at them. Nothing is found out before it is asked for. */
export function neglectedMembers(image: KernelImage, target: LinuxTarget, known: Known): NeglectedMembers {
  const { graph, ownership, shared, idle } = known;
  const program = new ImageProgram(image, graph, target);
  const accesses = new Accesses(program, graph, (place) => ownership.isLeaf(place), new Inside(target.types));
  const map = (): StructMap => new StructMap(target.types, shared.all);
  return new NeglectedMembers(
    target.types,
    map,
    accesses,
    () => makers(idle, graph, ownership),
    image.findings,
  );
}

/** Native bodies of what TypeScript has. Functions that do nothing there have no state. */
function* makers(idle: ReadonlySet<string>, graph: ImageGraph, ownership: Ownership): Generator<number> {
  for (const place of ownership.bodies()) {
    const [name] = graph.nameOf(place).split('.');
    if (!idle.has(name)) yield place;
  }
}
