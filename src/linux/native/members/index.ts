import type { KernelImage } from '../../../target/image/kernel-image.js';
import type { LinuxTarget } from '../../../target/index.js';
import type { ImageGraph } from '../image-graph.js';
import { imagePointers } from '../image-pointers.js';
import type { Ownership } from '../ownership.js';
import { lowOf, wholeOf } from '../places.js';
import type { SharedStructs } from '../shared-structs.js';
import { Accesses } from './closure.js';
import { ImageProgram } from './image-program.js';
import { Inside } from './inside.js';
import { structsMade } from './made.js';
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
  const map = (): StructMap => new StructMap(target.types, structsMade(target.types, shared.all));
  return new NeglectedMembers(
    target.types,
    map,
    accesses,
    () => [...makers(idle, graph, ownership), ...pernetFunctions(image, graph, target)],
    image.findings,
  );
}

/** Functions that have a namespace filled whenever one is made: by functions of the objects that they are given. */
const FILLS_NET = ['register_pernet_subsys', 'register_pernet_device'];
/** struct pernet_operations (include/net/net_namespace.h), without what some configurations add. */
const PERNET_BYTES = 64;

/** What fills struct net: TypeScript's is not made by any of them. */
function* pernetFunctions(image: KernelImage, graph: ImageGraph, target: LinuxTarget): Generator<number> {
  for (const name of FILLS_NET) {
    const address = target.exports.get(name)?.address;
    const place = address === undefined ? -1 : graph.entryAt(lowOf(address));
    if (place < 0) continue;
    for (const caller of graph.referrersOf(place))
      for (const object of graph.targetsOf(caller))
        if (graph.isVariable(object)) yield* pointedTo(image, graph, object);
  }
}

/** Functions that a variable points to as the image has it. */
function* pointedTo(image: KernelImage, graph: ImageGraph, variable: number): Generator<number> {
  for (const [, low] of imagePointers(image, graph.addressOf(variable), PERNET_BYTES)) {
    const place = graph.entryAt(low);
    if (place >= 0) yield place;
  }
}

/** Native bodies of what TypeScript has. Functions that do nothing there have no state. */
function* makers(idle: ReadonlySet<string>, graph: ImageGraph, ownership: Ownership): Generator<number> {
  for (const place of ownership.bodies()) {
    if (!idle.has(wholeOf(graph.nameOf(place)))) yield place;
  }
}
