import type { KernelImage } from '../../target/image/kernel-image.js';
import type { ReferenceTable } from '../../target/image/references.js';
import type { ImageGraph } from './image-graph.js';
import { imagePointers } from './image-pointers.js';

/** Tables that the compiler makes of a switch whose cases are values: of addresses, where a case is that of a variable. */
const TABLE = /^CSWTCH(\.\d+)*$/;

/** Whether a symbol is that of such a table. */
export const isSwitchTable = (name: string): boolean => TABLE.test(name);

/**
 * References with those that go over a table of the compiler's (`CSWTCH.5`): it stands for the code of a switch, so who refers to it
 * refers to the variables whose addresses it holds.
 */
export function throughSwitchTables(
  references: ReferenceTable,
  image: KernelImage,
  graph: ImageGraph,
  tables: Iterable<number>,
): ReferenceTable {
  const variables = new Map<number, readonly number[]>();
  for (const table of tables) {
    const found = variablesIn(image, graph, table);
    if (found.length > 0) variables.set(table, found);
  }
  return variables.size === 0 ? references : withTargets(references, variables);
}

function variablesIn(image: KernelImage, graph: ImageGraph, table: number): readonly number[] {
  const start = graph.addressOf(table);
  return [...imagePointers(image, start, graph.endOf(table) - start)]
    .map(([, low]) => graph.placeAt(low))
    .filter((place) => place >= 0 && graph.isVariable(place));
}

/** Adds, for who refers to a place, more targets. */
function withTargets(
  references: ReferenceTable,
  behind: ReadonlyMap<number, readonly number[]>,
): ReferenceTable {
  const { places, first: known } = references;
  const first = new Uint32Array(places.length + 1);
  const targets: number[] = [];
  for (let place = 0; place < places.length; place++) {
    const own = references.targets.subarray(known[place], known[place + 1]);
    const added = [...own].flatMap((target) => behind.get(target) ?? []);
    const all = added.length === 0 ? own : [...new Set([...own, ...added])].sort((a, b) => a - b);
    for (const target of all) targets.push(target);
    first[place + 1] = targets.length;
  }
  return { ...references, first, targets: Uint32Array.from(targets) };
}
