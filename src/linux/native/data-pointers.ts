import { WORD } from '../../conventions/amd64.js';
import { type KernelImage, sectionAt } from '../../target/image/kernel-image.js';
import type { ImageGraph } from './image-graph.js';
import { imagePointers } from './image-pointers.js';
import { PLACE } from './places.js';

/**
 * Which variables of an image begin with pointers to variables and functions: a struct pernet_operations with one to the number that it
 * gets, and to what is called for each network namespace. An entry of a table that has a name before the pointer (struct ctl_table)
 * offers a variable to a person and sets nothing.
 */
export class DataPointers {
  private found: ReadonlyMap<number, readonly number[]> | undefined;

  constructor(
    private readonly image: KernelImage,
    private readonly graph: ImageGraph,
  ) {}

  /** Places of variables that begin with a pointer to a variable or a function. */
  holdersOf(place: number): readonly number[] {
    this.found ??= this.find();
    return this.found.get(place) ?? [];
  }

  private find(): Map<number, number[]> {
    const { image, graph } = this;
    const found = new Map<number, number[]>();
    const section = image.sections.find(({ name }) => name === '.data');
    if (!section) return found;
    let nameAt = -1;
    for (const [at, low] of imagePointers(image, section.address, section.size)) {
      const isNamed = nameAt === at - WORD;
      if (sectionAt(image.sections, low)?.name === '.rodata') nameAt = at;
      const holder = graph.placeAt(section.address + at);
      const to = this.pointee(low);
      if (isNamed || to < 0 || graph.kinds[holder] !== PLACE.variable) continue;
      found.set(to, [...(found.get(to) ?? []), holder]);
    }
    return found;
  }

  /** The variable that an address is in, or the function that begins there; -1 for anything else. */
  private pointee(address: number): number {
    const { graph } = this;
    const place = graph.placeAt(address);
    return place >= 0 && graph.isVariable(place) ? place : graph.entryAt(address);
  }
}
