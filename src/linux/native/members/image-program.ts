import { Decoder } from '../../../cpu/decode/decoder.js';
import type { Insn } from '../../../cpu/decode/instruction.js';
import type { Prototype, TypeRef } from '../../../formats/btf/index.js';
import { Layouts } from '../../../target/image/flow/layouts.js';
import type { Program } from '../../../target/image/flow/program.js';
import { type ImageSection, type KernelImage, sectionAt } from '../../../target/image/kernel-image.js';
import type { LinuxTarget } from '../../../target/index.js';
import type { ImageGraph } from '../image-graph.js';
import { lowOf } from '../places.js';

/** struct jump_entry (include/linux/jump_label.h): distances of code and target, 4 bytes each, and of the key. */
const JUMP_ENTRY_BYTES = 16;

interface CodeSection {
  readonly section: ImageSection;
  readonly decoder: Decoder;
}

/** The code of an image for the analysis of what it accesses. */
export class ImageProgram implements Program {
  readonly layouts: Layouts;
  private readonly sections: CodeSection[] = [];
  private jumps: ReadonlyMap<number, number> | undefined;

  constructor(
    private readonly image: KernelImage,
    private readonly graph: ImageGraph,
    private readonly target: LinuxTarget,
  ) {
    this.layouts = new Layouts(target.types);
  }

  isCode(address: number): boolean {
    return sectionAt(this.image.sections, address)?.execute === true;
  }

  decode(address: number): Insn {
    const { section, decoder } = this.sectionOf(address);
    // Signed, as the decoder has addresses: the upper half is all ones.
    return decoder.decode(address - section.address, address - 2 ** 32);
  }

  placeAt(address: number): number {
    return this.graph.placeAt(address);
  }

  boundsOf(place: number): readonly [start: number, end: number] {
    return [this.graph.addressOf(place), this.graph.addressOf(place + 1) ?? 2 ** 32];
  }

  nameOf(place: number): string {
    return this.graph.nameOf(place);
  }

  prototypeOf(place: number): Prototype | undefined {
    if (place < 0) return undefined;
    const known = this.prototypes.get(place);
    if (known !== undefined) return known ?? undefined;
    const found = this.target.types.findPrototype(this.graph.nameOf(place));
    this.prototypes.set(place, found ?? null);
    return found;
  }

  /** null: there is none. */
  private readonly prototypes = new Map<number, Prototype | null>();

  perCpuAt(offset: number): { readonly type: TypeRef; readonly offset: number } | undefined {
    const place = this.graph.placeAt(offset);
    if (place < 0) return undefined;
    const type = this.target.types.findVariable(this.graph.nameOf(place));
    return type === undefined ? undefined : { type, offset: offset - this.graph.addressOf(place) };
  }

  patchedJump(address: number): number | undefined {
    this.jumps ??= this.readJumps();
    return this.jumps.get(address);
  }

  private sectionOf(address: number): CodeSection {
    const known = this.sections.find(
      ({ section }) => address >= section.address && address < section.address + section.size,
    );
    if (known) return known;
    const section = sectionAt(this.image.sections, address);
    if (!section?.execute) throw new RangeError(`no code of the image at 0x${address.toString(16)}`);
    const code = this.image.read(section.address, section.size);
    const made = { section, decoder: new Decoder(code, () => section.size) };
    this.sections.push(made);
    return made;
  }

  /** The table of branches that are patched in and out: where each goes, by where it is. */
  private readJumps(): ReadonlyMap<number, number> {
    const jumps = new Map<number, number>();
    const { symbols } = this.target;
    const start = symbols.lookup('__start___jump_table');
    const stop = symbols.lookup('__stop___jump_table');
    if (!start || !stop) return jumps;
    const base = lowOf(start.address);
    const bytes = this.image.read(base, lowOf(stop.address) - base);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let at = 0; at + JUMP_ENTRY_BYTES <= bytes.length; at += JUMP_ENTRY_BYTES) {
      const code = base + at + view.getInt32(at, true);
      jumps.set(code >>> 0, (base + at + 4 + view.getInt32(at + 4, true)) >>> 0);
    }
    return jumps;
  }
}
