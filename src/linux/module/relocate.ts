import type { Ptr } from '../../cpu/layout.js';
import {
  R_X86_64_32,
  R_X86_64_32S,
  R_X86_64_64,
  R_X86_64_NONE,
  R_X86_64_PC32,
  R_X86_64_PC64,
  R_X86_64_PLT32,
  type Relocations,
  relocationName,
} from '../../formats/elf/index.js';
import { ENOEXEC } from '../errno.js';
import { IMAGE } from '../memory-map.js';
import { LoadError } from './load-error.js';

/**
 * A symbol's value as a signed 64-bit number: kernel addresses are negative, per-CPU offsets small. All that fit a
 * relocation are exact, since the regions that modules refer to lie in the top 2 GiB.
 */
export type SymbolValue = number;

/** The value of a pointer into the image or module region, or of a small address. */
export function symbolValue(ptr: Ptr): SymbolValue {
  return ptr < IMAGE.start ? ptr : ptr - 0x8000_0000;
}

const outOfInt32 = (value: number): boolean => value < -0x8000_0000 || value > 0x7fff_ffff;

/** What is relocated, and in whose words its faults are told. */
export interface RelocationContext {
  /** The memory that is written to, and the address that it begins at. */
  readonly view: DataView;
  readonly origin: Ptr;
  /** Name of the module. */
  readonly module: string;
  /** By symbol; undefined for those that have no value. */
  readonly values: readonly (SymbolValue | undefined)[];
  log(line: string): void;
  /** How `%p` prints an address. */
  pointer(at: Ptr): string;
  /** How the kernel begins its complaint of a place that is not zero. */
  readonly notZero: string;
}

/** How kernels begin their complaint; those that keep each kind of a module's memory by itself in another word. */
export function notZeroWords(separate: boolean): string {
  return separate ? 'Invalid' : 'Skipping invalid';
}

/** The memory that a relocation section is about. */
interface RelocatedSection {
  readonly name: string;
  readonly address: Ptr;
  /** Bytes from `address` on that are the module's. */
  readonly size: number;
}

/**
 * Applies one SHT_RELA section to memory (apply_relocate_add of arch/x86/kernel/module.c). Pages need not be writable yet:
 * bytes are written as the loader's. Throws LoadError (ENOEXEC).
 */
export function applyRelocations(
  context: RelocationContext,
  relocations: Relocations,
  target: RelocatedSection,
): void {
  new Relocator(context, relocations, target).run();
}

class Relocator {
  constructor(
    private readonly context: RelocationContext,
    private readonly relocations: Relocations,
    private readonly target: RelocatedSection,
  ) {}

  run(): void {
    const { relocations } = this;
    for (let i = 0; i < relocations.length; i++) if (relocations.type(i) !== R_X86_64_NONE) this.apply(i);
  }

  private apply(i: number): void {
    const { relocations, target } = this;
    const { values, module } = this.context;
    const type = relocations.type(i);
    const width = type === R_X86_64_64 || type === R_X86_64_PC64 ? 8 : 4;
    const offset = relocations.offset(i);
    const symbol = relocations.symbol(i);
    // The kernel writes wherever it is told to, and takes what lies behind the table for a symbol.
    if (offset + width > target.size)
      this.refuse(i, `r_offset 0x${offset.toString(16)} is past the end of ${target.name}`);
    if (symbol >= values.length) this.refuse(i, `symbol ${symbol} does not exist`);
    const at = target.address + offset;
    const value = (values[symbol] ?? 0) + relocations.addendNumber(i);
    switch (type) {
      case R_X86_64_64:
        this.write64(i, at, value);
        return;
      case R_X86_64_PC64:
        this.write64(i, at, value, value - symbolValue(at));
        return;
      case R_X86_64_32:
        this.write32(i, at, value);
        if (value < 0 || value > 0xffff_ffff) this.overflow(i, value);
        return;
      case R_X86_64_32S:
        this.write32(i, at, value);
        if (outOfInt32(value)) this.overflow(i, value);
        return;
      case R_X86_64_PC32:
      case R_X86_64_PLT32:
        // Whether it reaches is not looked at.
        this.write32(i, at, value, value - symbolValue(at));
        return;
      default:
        this.context.log(`module: ${module}: Unknown rela relocation: ${type}`);
        this.refuse(i, `unknown relocation ${relocationName(type)}`);
    }
  }

  private write64(i: number, at: Ptr, value: number, written = value): void {
    const { view, origin } = this.context;
    const place = at - origin;
    if (view.getUint32(place, true) !== 0 || view.getUint32(place + 4, true) !== 0)
      this.notZero(i, at, value);
    view.setUint32(place, written >>> 0, true);
    view.setInt32(place + 4, Math.floor(written / 2 ** 32), true);
  }

  private write32(i: number, at: Ptr, value: number, written = value): void {
    const { view, origin } = this.context;
    if (view.getUint32(at - origin, true) !== 0) this.notZero(i, at, value);
    view.setUint32(at - origin, written >>> 0, true);
  }

  private notZero(i: number, at: Ptr, value: number): never {
    const { notZero, log, pointer } = this.context;
    const place = `type ${this.relocations.type(i)}, loc ${pointer(at)}, val ${hex64(value)}`;
    log(`module: x86/modules: ${notZero} relocation target, existing value is nonzero for ${place}`);
    return this.refuse(i, 'what it is to write to is not zero');
  }

  private overflow(i: number, value: number): never {
    const { log, module } = this.context;
    const type = this.relocations.type(i);
    log(`module: overflow in relocation type ${type} val ${hex64(value)}`);
    log(`module: \`${module}' likely not compiled with -mcmodel=kernel`);
    return this.refuse(i, `${relocationName(type)} does not reach its symbol`);
  }

  private refuse(i: number, text: string): never {
    throw new LoadError(ENOEXEC, `${this.relocations.section.name}: relocation ${i}: ${text}`);
  }
}

function hex64(value: number): string {
  return BigInt.asUintN(64, BigInt(value)).toString(16);
}
