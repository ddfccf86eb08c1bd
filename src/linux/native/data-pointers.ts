import { type KernelImage, sectionAt } from '../../target/image/kernel-image.js';
import type { ImageGraph } from './image-graph.js';
import { PLACE } from './places.js';

const POINTER = 8;
/** Upper half of an address of the image. */
const IMAGE_HALF = 0xffff_ffff;

/**
 * Which variables of an image begin with a pointer to another: a struct pernet_operations with one to the number that it gets. An entry of
 * a table that has a name before the pointer (struct ctl_table, a parameter's) offers the variable to a person and sets nothing.
 */
export class DataPointers {
  private found: ReadonlyMap<number, readonly number[]> | undefined;

  constructor(
    private readonly image: KernelImage,
    private readonly graph: ImageGraph,
  ) {}

  /** Places of variables that begin with a pointer to one. */
  holdersOf(variable: number): readonly number[] {
    this.found ??= this.find();
    return this.found.get(variable) ?? [];
  }

  private find(): Map<number, number[]> {
    const { image, graph } = this;
    const found = new Map<number, number[]>();
    const section = image.sections.find(({ name }) => name === '.data');
    if (!section) return found;
    const bytes = image.read(section.address, section.size);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let at = 0; at + POINTER <= section.size; at += POINTER) {
      if (view.getUint32(at + 4, true) !== IMAGE_HALF) continue;
      const to = graph.placeAt(view.getUint32(at, true));
      if (to < 0 || !graph.isVariable(to) || graph.kinds[to] === PLACE.perCpu) continue;
      if (at >= POINTER && this.isName(view, at - POINTER)) continue;
      const holders = found.get(to) ?? [];
      holders.push(graph.placeAt(section.address + at));
      found.set(to, holders);
    }
    return found;
  }

  private isName(view: DataView, at: number): boolean {
    if (view.getUint32(at + 4, true) !== IMAGE_HALF) return false;
    const section = sectionAt(this.image.sections, view.getUint32(at, true));
    return section?.name === '.rodata';
  }
}
