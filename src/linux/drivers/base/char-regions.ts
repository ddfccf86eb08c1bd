import type { Ptr } from '../../../cpu/layout.js';
import { LOGLEVEL_ERR } from '../../../kernel/log.js';
import { MAJOR, MAJOR_MAX, MINOR, MINOR_BITS, MKDEV } from '../../abi/device-number.js';
import { EBUSY, EINVAL } from '../../errno.js';
import type { Holding, Origin } from '../../holding.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';

/** Majors given out on request: downwards in each range (Documentation/admin-guide/devices.txt). */
const DYNAMIC_RANGES = [
  { from: 254, to: 234 },
  { from: 511, to: 384 },
] as const;

/** Regions of drivers that may be part of the kernel, in the order in which they come; major 0 for any. */
const BUILT_IN = [
  { option: 'CONFIG_VT', major: 4, first: 0, count: 1, name: '/dev/vc/0' },
  { option: 'CONFIG_VT', major: 4, first: 1, count: 63, name: 'tty' },
  { option: 'CONFIG_SERIAL_8250', major: 4, first: 64, count: 'CONFIG_SERIAL_8250_NR_UARTS', name: 'ttyS' },
  { option: 'CONFIG_VT', major: 7, first: 0, count: 256, name: 'vcs' },
  { option: 'CONFIG_INPUT', major: 13, first: 0, count: 1024, name: 'input' },
  { option: 'CONFIG_FB', major: 29, first: 0, count: 256, name: 'fb' },
  { option: 'CONFIG_UNIX98_PTYS', major: 128, first: 0, count: 1 << 20, name: 'ptm' },
  { option: 'CONFIG_UNIX98_PTYS', major: 136, first: 0, count: 1 << 20, name: 'pts' },
  { option: 'CONFIG_SPI', major: 153, first: 0, count: 256, name: 'spi' },
  { option: 'CONFIG_GPIO_CDEV', major: 0, first: 0, count: 256, name: 'gpiochip' },
  { option: 'CONFIG_TCG_TPM', major: 0, first: 0, count: 65536, name: 'tpm' },
  { option: 'CONFIG_DAX', major: 0, first: 0, count: 1 << 20, name: 'dax' },
  { option: 'CONFIG_RTC_CLASS', major: 0, first: 0, count: 16, name: 'rtc' },
  { option: 'CONFIG_PPS', major: 0, first: 0, count: 16, name: 'pps' },
  { option: 'CONFIG_PTP_1588_CLOCK', major: 0, first: 0, count: 1 << 20, name: 'ptp' },
  { option: 'CONFIG_BLK_DEV_BSG_COMMON', major: 0, first: 0, count: 1 << 20, name: 'bsg' },
  { option: 'CONFIG_CXL_BUS', major: 0, first: 0, count: 65536, name: 'cxl' },
] as const;

/** A reserved range of minors of one major. */
interface CharRegion {
  readonly major: number;
  readonly firstMinor: number;
  readonly count: number;
  readonly name: string;
  /** struct cdev that __register_chrdev made. */
  cdev: Ptr;
  readonly by: Origin;
  /** It is here for a driver of the target's own that has not been set up. */
  isReserved: boolean;
}

/** Who owns which character device numbers (fs/char_dev.c's chrdevs, /proc/devices). */
export class CharRegions implements Subsystem {
  private readonly regions: CharRegion[] = [];

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    register_chrdev_region: (from: number, count: number, name: Ptr) =>
      this.reserve(from, count, this.k.space.cstring(name)),
    alloc_chrdev_region: (device: Ptr, minor: number, count: number, name: Ptr) => {
      const region = this.claim(0, minor, count, this.k.space.cstring(name));
      if (typeof region === 'number') return region;
      this.k.space.store32(device, MKDEV(region.major, region.firstMinor));
      return 0;
    },
    unregister_chrdev_region: (from: number, count: number) => {
      const end = from + count;
      for (let at = from; at < end; ) {
        const next = Math.min(end, MKDEV(MAJOR(at) + 1, 0));
        this.release(MAJOR(at), MINOR(at), next - at);
        at = next;
      }
    },
  };

  *holds(): Generator<Holding> {
    for (const { major, firstMinor, count, name, cdev, by } of this.regions)
      yield {
        kind: 'character device region',
        at: MKDEV(major, firstMinor),
        parts: [cdev],
        by,
        name: () => `${name} (${major}:${firstMinor}${count > 1 ? `-${firstMinor + count - 1}` : ''})`,
      };
  }

  /** What is part of the kernel has its numbers before any module comes (Documentation/admin-guide/devices.txt). */
  boot(): void {
    for (const { option, major, first, count, name } of BUILT_IN)
      if (this.k.target.config.get(option) === 'y') {
        const numbers = typeof count === 'number' ? count : Number(this.k.target.config.get(count));
        const region = this.claim(major, first, numbers, name);
        if (typeof region !== 'number') region.isReserved = true;
      }
  }

  list(): readonly CharRegion[] {
    return this.regions;
  }

  /** Reserves minors of a major, 0 for any free one: the region, or a negative error number. */
  claim(major: number, firstMinor: number, count: number, name: string): CharRegion | number {
    const reserved = this.reservedAs(major, firstMinor, count, name);
    if (reserved) return reserved;
    const chosen = major === 0 ? this.dynamicMajor() : major;
    if (chosen === undefined) {
      this.k.log.line(`CHRDEV "${name}" failed to find major number`, LOGLEVEL_ERR);
      return -EBUSY;
    }
    if (chosen >= MAJOR_MAX) {
      const highest = MAJOR_MAX - 1;
      this.k.log.line(
        `CHRDEV "${name}" major requested (${chosen}) is greater than the maximum (${highest})`,
        LOGLEVEL_ERR,
      );
      return -EINVAL;
    }
    if (count > 2 ** MINOR_BITS - firstMinor) {
      const last = firstMinor + count - 1;
      this.k.log.line(
        `CHRDEV "${name}" minor range requested (${firstMinor}-${last}) is out of range of maximum range (0-${2 ** MINOR_BITS - 1}) for a single major`,
        LOGLEVEL_ERR,
      );
      return -EINVAL;
    }
    if (this.regions.some((other) => overlaps(other, chosen, firstMinor, count))) return -EBUSY;
    const by = this.k.origins.here();
    const region = {
      major: chosen,
      firstMinor,
      count,
      name: name.slice(0, 63),
      cdev: 0,
      by,
      isReserved: false,
    };
    const before = this.regions.findIndex(
      (other) => MKDEV(other.major, other.firstMinor) > MKDEV(chosen, firstMinor),
    );
    this.regions.splice(before < 0 ? this.regions.length : before, 0, region);
    return region;
  }

  /** What was reserved for a driver of the target's own, which claims it while it is set up. */
  private reservedAs(major: number, firstMinor: number, count: number, name: string): CharRegion | undefined {
    if (this.k.native?.settingUp === undefined) return undefined;
    const found = this.regions.find(
      (region) =>
        region.isReserved &&
        region.name === name &&
        (major === 0 || region.major === major) &&
        region.firstMinor === firstMinor &&
        region.count === count,
    );
    if (found) found.isReserved = false;
    return found;
  }

  /** Gives up a region; undefined if there is none that matches exactly. */
  release(major: number, firstMinor: number, count: number): CharRegion | undefined {
    const index = this.regions.findIndex(
      (region) => region.major === major && region.firstMinor === firstMinor && region.count === count,
    );
    return index < 0 ? undefined : this.regions.splice(index, 1)[0];
  }

  /** A range that may span several majors: each gets a region, all or none. */
  private reserve(from: number, count: number, name: string): number {
    const end = from + count;
    const done: CharRegion[] = [];
    for (let at = from; at < end; ) {
      const next = Math.min(end, MKDEV(MAJOR(at) + 1, 0));
      const region = this.claim(MAJOR(at), MINOR(at), next - at, name);
      if (typeof region === 'number') {
        for (const made of done) this.release(made.major, made.firstMinor, made.count);
        return region;
      }
      done.push(region);
      at = next;
    }
    return 0;
  }

  private dynamicMajor(): number | undefined {
    for (const { from, to } of DYNAMIC_RANGES)
      for (let major = from; major >= to; major--)
        if (!this.regions.some((region) => region.major === major)) return major;
    return undefined;
  }
}

function overlaps(region: CharRegion, major: number, first: number, count: number): boolean {
  return (
    region.major === major && first < region.firstMinor + region.count && region.firstMinor < first + count
  );
}
