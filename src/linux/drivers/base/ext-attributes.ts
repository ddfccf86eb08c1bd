import type { Ptr } from '../../../cpu/layout.js';
import { EINVAL } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import { parseBool, parseInteger } from '../../lib/string/kstrtox.js';
import type { Subsystem } from '../../subsystem.js';

/** What reads and writes the variable of a struct dev_ext_attribute: DEVICE_ULONG_ATTR() and its kin (drivers/base/core.c). */
export class ExtAttributes implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    device_show_ulong: (_device: Ptr, attr: Ptr, page: Ptr) =>
      this.emit(page, this.k.space.load64(this.variable(attr)).toString()),
    device_show_int: (_device: Ptr, attr: Ptr, page: Ptr) =>
      this.emit(page, String(this.k.space.loadInt32(this.variable(attr)))),
    device_show_bool: (_device: Ptr, attr: Ptr, page: Ptr) =>
      this.emit(page, String(this.k.space.load8(this.variable(attr)))),
    device_show_string: (_device: Ptr, attr: Ptr, page: Ptr) =>
      this.emit(page, this.k.space.cstring(this.variable(attr))),
    device_store_ulong: (_device: Ptr, attr: Ptr, text: Ptr, size: number) =>
      this.storeUlong(attr, text, size),
    device_store_int: (_device: Ptr, attr: Ptr, text: Ptr, size: number) => this.storeInt(attr, text, size),
    device_store_bool: (_device: Ptr, attr: Ptr, text: Ptr, size: number) => this.storeBool(attr, text, size),
  };

  private variable(attr: Ptr): Ptr {
    return this.k.struct('dev_ext_attribute').get(attr, 'var');
  }

  private emit(page: Ptr, text: string): number {
    this.k.space.storeCstring(page, `${text}\n`);
    return text.length + 1;
  }

  private storeUlong(attr: Ptr, text: Ptr, size: number): number {
    const parsed = parseInteger(this.k.space.cstring(text), 0, { signed: false, bits: 64 });
    if ('error' in parsed) return parsed.error;
    this.k.space.store64(this.variable(attr), parsed.value);
    return size;
  }

  /** A long that is no int is EINVAL, one that is no long ERANGE. */
  private storeInt(attr: Ptr, text: Ptr, size: number): number {
    const parsed = parseInteger(this.k.space.cstring(text), 0, { signed: true, bits: 64 });
    if ('error' in parsed) return parsed.error;
    if (parsed.value !== BigInt.asIntN(32, parsed.value)) return -EINVAL;
    this.k.space.store32(this.variable(attr), Number(BigInt.asUintN(32, parsed.value)));
    return size;
  }

  private storeBool(attr: Ptr, text: Ptr, size: number): number {
    const value = parseBool(this.k.space.cstring(text));
    if (value === undefined) return -EINVAL;
    this.k.space.store8(this.variable(attr), Number(value));
    return size;
  }
}
