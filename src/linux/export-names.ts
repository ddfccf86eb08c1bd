import type { AddressSpace } from '../cpu/address-space.js';
import type { Ptr } from '../cpu/layout.js';
import type { StructPassing } from '../kernel/abi/convention.js';
import type { ExportNames } from '../kernel/abi/export-table.js';
import { prototypeText, type Signature, signatureFromTypes } from '../kernel/abi/signature.js';
import { Unimplemented } from '../kernel/errors.js';
import type { LinuxTarget } from '../target/index.js';
import { IMAGE } from './memory-map.js';

const UNPROFILED = '_noprof';

/** The functions of a target, at the addresses and with the prototypes that its kernel has. */
export class TargetNames implements ExportNames {
  /** Room at the end of the image region for functions that the target has no symbol for. */
  readonly stubs = IMAGE.start + IMAGE.size - 0x10_0000;

  constructor(
    private readonly target: LinuxTarget,
    private readonly space: AddressSpace,
    private readonly structs: StructPassing,
    readonly leaves: (address: Ptr) => boolean = () => false,
  ) {}

  /** Whether the kernel has memory allocation profiling. */
  private get unprofiled(): boolean {
    return this.target.symbols.lookup(`__kmalloc${UNPROFILED}`) !== undefined;
  }

  addressOf(name: string): Ptr | undefined {
    const { exports, symbols } = this.target;
    const address = exports.get(name)?.address ?? symbols.lookup(name)?.address;
    return address === undefined ? undefined : this.space.fromAddress(address);
  }

  signatureOf(name: string): Signature | undefined {
    return signatureFromTypes(this.target.types, name, this.structs);
  }

  /**
   * Kernels with memory allocation profiling renamed their allocating functions: `vmalloc` became a macro round
   * `vmalloc_noprof` (Documentation/mm/allocation-profiling.rst). Where one of them also changed its arguments,
   * it is defined under its new name.
   */
  otherName(name: string): string | undefined {
    return name.endsWith(UNPROFILED) ? name.slice(0, -UNPROFILED.length) : undefined;
  }

  variants(name: string): readonly string[] {
    return this.unprofiled ? [`${name}${UNPROFILED}`] : [];
  }

  unimplemented(name: string): Unimplemented {
    return new Unimplemented(name, prototypeText(this.target.types, name));
  }
}
