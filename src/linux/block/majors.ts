import type { Ptr } from '../../cpu/layout.js';
import { LOGLEVEL_ERR } from '../../kernel/log.js';
import { MAJOR_MAX } from '../abi/device-number.js';
import { EBUSY, EINVAL } from '../errno.js';
import type { Holding, Origin } from '../holding.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

const MAJOR_LISTS = 255;
/** Majors given out on request start here and go down. */
const HIGHEST_DYNAMIC = MAJOR_LISTS - 1;

/** What of the target's own code takes the place of all of this folder, where that is at hand. */
export const NATIVE = 'block';

interface BlockMajor {
  readonly major: number;
  readonly name: string;
  /** Called to make a disk when a number without one is opened. */
  readonly probe: Ptr;
  /** Nobody for those of the kernel itself. */
  readonly by?: Origin;
}

/** Major numbers of block devices (block/genhd.c). */
export class BlockMajors implements Subsystem {
  static readonly builtIn = 'CONFIG_BLOCK';

  private readonly majors = new Map<number, BlockMajor>();
  private isNative = false;

  constructor(private readonly k: LinuxKernel) {
    this.majors.set(259, { major: 259, name: 'blkext', probe: 0 });
  }

  readonly exports = {
    __register_blkdev: (major: number, name: Ptr, probe: Ptr) =>
      this.register(major, this.k.space.cstring(name), probe),
    unregister_blkdev: (major: number, name: Ptr) => {
      if (this.majors.get(major)?.name === this.k.space.cstring(name)) this.majors.delete(major);
    },
  };

  boot(): void {
    this.k.native?.onSetUp(NATIVE, () => this.leave());
  }

  *holds(): Generator<Holding> {
    for (const { major, name, probe, by } of this.list())
      yield { kind: 'block major', at: major, uses: [probe], by, name: () => `${name} (${major})` };
  }

  /** By major number, as /proc/devices lists them. */
  list(): readonly BlockMajor[] {
    const known = this.isNative ? [...this.registered()] : [...this.majors.values()];
    return known.sort((a, b) => a.major - b.major);
  }

  /** Those of the target's own code, in a table of lists by number (major_names). */
  private *registered(): Generator<BlockMajor> {
    const { k } = this;
    const type = k.struct('blk_major_name');
    const table = k.symbol('major_names');
    for (let slot = 0; slot < MAJOR_LISTS; slot++)
      for (let at = k.space.loadPtr(table + 8 * slot); at !== 0; at = type.get(at, 'next'))
        yield {
          major: type.get(at, 'major'),
          name: type.text(at, 'name'),
          // Asked where a device's number is not known yet: with CONFIG_BLOCK_LEGACY_AUTOLOAD.
          probe: type.has('probe') ? type.get(at, 'probe') : 0,
        };
  }

  private leave(): undefined {
    this.isNative = true;
  }

  private register(major: number, name: string, probe: Ptr): number {
    const chosen = major === 0 ? this.free() : major;
    if (chosen === undefined) {
      this.k.log.line(`__register_blkdev: failed to get major for ${name}`, LOGLEVEL_ERR);
      return -EBUSY;
    }
    if (chosen >= MAJOR_MAX) {
      const text = `major requested (${chosen}) is greater than the maximum (${MAJOR_MAX - 1}) for ${name}`;
      this.k.log.line(`__register_blkdev: ${text}`, LOGLEVEL_ERR);
      return -EINVAL;
    }
    if (this.majors.has(chosen)) {
      this.k.log.line(`register_blkdev: cannot get major ${chosen} for ${name}`, LOGLEVEL_ERR);
      return -EBUSY;
    }
    this.majors.set(chosen, { major: chosen, name: name.slice(0, 15), probe, by: this.k.origins.here() });
    return major === 0 ? chosen : 0;
  }

  private free(): number | undefined {
    for (let major = HIGHEST_DYNAMIC; major > 0; major--) if (!this.majors.has(major)) return major;
    return undefined;
  }
}
