import type { Ptr } from '../../cpu/layout.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

/** bioset_init() flags (include/linux/bio.h). */
const INLINE_VECTORS = 4;

/** Pools of bios (block/bio.c). The pools themselves are made when the first bio is taken. */
export class BioSets implements Subsystem {
  static readonly builtIn = 'CONFIG_BLOCK';

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    bioset_init: (set: Ptr, _size: number, frontPad: number, flags: number) => {
      const type = this.k.struct('bio_set');
      type.set(set, 'front_pad', frontPad);
      const vectors =
        (flags & this.k.enumValue('BIOSET_NEED_BVECS')) !== 0 ? INLINE_VECTORS * this.k.sizeOf('bio_vec') : 0;
      if (type.has('back_pad')) type.set(set, 'back_pad', vectors);
      return 0;
    },
    bioset_exit: (set: Ptr) => {
      const type = this.k.struct('bio_set');
      this.k.space.writable(set, type.size).fill(0);
    },
  };
}
