import type { Ptr } from '../cpu/layout.js';
import type { StructPassing } from '../kernel/abi/convention.js';
import type { ExportNames } from '../kernel/abi/export-table.js';
import { prototypeText, type Signature, signatureFromTypes } from '../kernel/abi/signature.js';
import { Unimplemented } from '../kernel/errors.js';
import type { FreebsdTarget } from '../target/index.js';
import { FUNCTIONS, STUBS } from './memory-map.js';

/** Where the target's text begins (KERNLOAD above KERNBASE): it has no linear offset, so functions are moved as a whole. */
const TARGET_TEXT = 0xffff_ffff_8020_0000n;

/** The functions of a FreeBSD kernel, with the prototypes that its headers have. */
export class TargetNames implements ExportNames {
  readonly stubs = STUBS;

  constructor(
    private readonly target: FreebsdTarget,
    private readonly structs: StructPassing,
  ) {}

  addressOf(name: string): Ptr | undefined {
    const symbol = this.target.exports.get(name);
    return symbol?.kind === 'function' ? FUNCTIONS + Number(symbol.address - TARGET_TEXT) : undefined;
  }

  signatureOf(name: string): Signature | undefined {
    return signatureFromTypes(this.target.types, name, this.structs);
  }

  unimplemented(name: string): Unimplemented {
    return new Unimplemented(name, prototypeText(this.target.types, name));
  }
}
