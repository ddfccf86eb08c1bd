import { WORD } from '../../conventions/amd64.js';
import { type KernelImage, sectionAt } from '../../target/image/kernel-image.js';
import type { ImageGraph } from './image-graph.js';
import { IMAGE_HALF, PLACE } from './places.js';

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
    const bytes = image.read(section.address, section.size);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let at = 0; at + WORD <= section.size; at += WORD) {
      if (view.getUint32(at + 4, true) !== IMAGE_HALF) continue;
      const holder = graph.placeAt(section.address + at);
      const to = this.pointee(view.getUint32(at, true));
      if (to < 0 || graph.kinds[holder] !== PLACE.variable) continue;
      if (at >= WORD && this.isName(view, at - WORD)) continue;
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

  private isName(view: DataView, at: number): boolean {
    if (view.getUint32(at + 4, true) !== IMAGE_HALF) return false;
    const section = sectionAt(this.image.sections, view.getUint32(at, true));
    return section?.name === '.rodata';
  }
}
