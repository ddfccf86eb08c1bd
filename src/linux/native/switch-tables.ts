import { WORD } from '../../conventions/amd64.js';
import type { KernelImage } from '../../target/image/kernel-image.js';
import type { ReferenceTable } from '../../target/image/references.js';
import type { ImageGraph } from './image-graph.js';
import { IMAGE_HALF } from './places.js';

/** Tables that the compiler makes of a switch whose cases are values: of addresses, where a case is that of a variable. */
const TABLE = /^CSWTCH(\.\d+)*$/;

/**
 * Variables that code refers to over a table of the compiler's (`CSWTCH.5`): by the number of the place whose code it is. Such a table
 * stands for the code of a switch.
 */
export function switchTargets(
  image: KernelImage,
  graph: ImageGraph,
  tables: Iterable<number>,
): ReadonlyMap<number, readonly number[]> {
  const found = new Map<number, readonly number[]>();
  for (const table of tables) {
    const variables = variablesIn(image, graph, table);
    if (variables.length === 0) continue;
    for (const place of graph.referrersOf(table))
      found.set(place, [...(found.get(place) ?? []), ...variables]);
  }
  return found;
}

/** Whether a symbol is that of such a table. */
export const isSwitchTable = (name: string): boolean => TABLE.test(name);

function variablesIn(image: KernelImage, graph: ImageGraph, table: number): readonly number[] {
  const start = graph.addressOf(table);
  const bytes = image.read(start, graph.endOf(table) - start);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const found: number[] = [];
  for (let at = 0; at + WORD <= bytes.length; at += WORD) {
    if (view.getUint32(at + 4, true) !== IMAGE_HALF) continue;
    const place = graph.placeAt(view.getUint32(at, true));
    if (place >= 0 && graph.isVariable(place)) found.push(place);
  }
  return found;
}

/** A table of references with more of them. */
export function withTargets(
  references: ReferenceTable,
  more: ReadonlyMap<number, readonly number[]>,
): ReferenceTable {
  if (more.size === 0) return references;
  const { places, first: known } = references;
  const first = new Uint32Array(places.length + 1);
  const targets: number[] = [];
  for (let place = 0; place < places.length; place++) {
    const own = references.targets.subarray(known[place], known[place + 1]);
    const added = more.get(place);
    if (added) targets.push(...[...new Set([...own, ...added])].sort((a, b) => a - b));
    else for (const target of own) targets.push(target);
    first[place + 1] = targets.length;
  }
  return { ...references, first, targets: Uint32Array.from(targets) };
}
