import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { EBUSY, EINVAL, EIO, ENOTSUPP } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import type { WireFormat } from './format.js';
import type { RegisterAccess } from './register-access.js';
import type { RegisterCache } from './register-cache.js';
import type { Result, Transport } from './transport.js';

/** Registers behind a window that a selector moves (struct regmap_range_cfg). */
export interface RegisterWindow {
  readonly first: number;
  readonly last: number;
  readonly selector: number;
  readonly mask: number;
  readonly shift: number;
  readonly start: number;
  readonly length: number;
}

/** What a map was made of. */
export interface RegisterMapParts {
  readonly device: Ptr;
  readonly name: string;
  readonly transport: Transport;
  readonly format: WireFormat;
  readonly access: RegisterAccess;
  readonly maxRegister: number;
  readonly stride: number;
  readonly base: number;
  readonly downshift: number;
  readonly windows: readonly RegisterWindow[];
  readonly singleRead: boolean;
  readonly singleWrite: boolean;
  lock(): undefined | Sleepable<void>;
  unlock(): undefined | Sleepable<void>;
}

/** A register map: registers of a device, whatever it is behind (drivers/base/regmap/regmap.c). Whoever calls has locked it. */
export class RegisterMap {
  cacheOnly = false;
  cacheBypass = false;
  /** Written when the cache is brought to the hardware, before all else. */
  patch: readonly (readonly [register: number, value: number])[] = [];
  maxRegister: number;

  constructor(
    readonly k: LinuxKernel,
    readonly parts: RegisterMapParts,
    public cache: RegisterCache | undefined,
    public access: RegisterAccess,
  ) {
    this.maxRegister = parts.maxRegister;
    this.cacheBypass = cache === undefined;
  }

  get valueBytes(): number {
    return this.parts.format.valueBytes;
  }

  /** Does something with the map locked. */
  *locked<T>(body: () => T | Sleepable<T>): Sleepable<T> {
    yield* this.k.wait(this.parts.lock());
    const result = yield* this.k.wait(body());
    yield* this.k.wait(this.parts.unlock());
    return result;
  }

  isAligned(register: number): boolean {
    return register % this.parts.stride === 0;
  }

  /** Of the register that is so many behind another. */
  behind(register: number, count: number): number {
    return register + count * this.parts.stride;
  }

  private beyond(register: number): boolean {
    return this.maxRegister !== 0 && register > this.maxRegister;
  }

  *isReadable(register: number): Sleepable<boolean> {
    if (this.beyond(register) || this.parts.format.isShared) return false;
    return yield* this.access.is('readable', register, true);
  }

  *isWriteable(register: number): Sleepable<boolean> {
    return !this.beyond(register) && (yield* this.access.is('writeable', register, true));
  }

  *isVolatile(register: number): Sleepable<boolean> {
    if (!this.parts.format.isShared && !(yield* this.isReadable(register))) return false;
    return yield* this.access.is('volatile', register, this.cache === undefined);
  }

  *areVolatile(register: number, count: number): Sleepable<boolean> {
    for (let i = 0; i < count; i++) if (!(yield* this.isVolatile(this.behind(register, i)))) return false;
    return true;
  }

  /** _regmap_read() */
  *read(register: number): Sleepable<Result> {
    const { cache } = this;
    if (
      cache &&
      !this.cacheBypass &&
      (yield* this.isReadable(register)) &&
      !(yield* this.isVolatile(register))
    ) {
      const value = cache.get(register);
      if (value !== undefined) return { value };
    }
    if (this.cacheOnly) return { error: -EBUSY };
    if (!(yield* this.isReadable(register))) return { error: -EIO };
    const result = yield* this.readHardware(register);
    if ('value' in result && !this.cacheBypass) yield* this.keep(register, result.value);
    return result;
  }

  /** regcache_write() */
  *keep(register: number, value: number): Sleepable<void> {
    if (this.cache && !(yield* this.isVolatile(register))) this.cache.set(register, value);
  }

  private *readHardware(register: number): Sleepable<Result> {
    const { raw, single } = this.parts.transport;
    if (!raw) return single ? yield* this.k.wait(single.read(register)) : { error: -ENOTSUPP };
    const bytes = yield* this.readRaw(register, this.valueBytes);
    return typeof bytes === 'number' ? { error: bytes } : { value: this.parts.format.parse(bytes) };
  }

  /** _regmap_write() */
  *write(register: number, value: number): Sleepable<number> {
    if (!(yield* this.isWriteable(register))) return -EIO;
    if (!this.cacheBypass) {
      yield* this.keep(register, value);
      if (this.cacheOnly) {
        if (this.cache) this.cache.isDirty = true;
        return 0;
      }
    }
    const { transport, format } = this.parts;
    if (!transport.raw) return transport.single ? yield* transport.single.write(register, value) : -ENOTSUPP;
    if (!format.isShared)
      return yield* this.writeHardware(register, Uint8Array.from(format.value(value)), false);
    const at = yield* this.select(register, 1);
    if (typeof at !== 'number') return at.error;
    return yield* transport.raw.write(format.shared(this.onWire(at), value), new Uint8Array());
  }

  private onWire(register: number): number {
    return (register + this.parts.base) >>> this.parts.downshift;
  }

  /** Values in the form of the wire, read in one message. */
  *readRaw(register: number, bytes: number, again = false): Sleepable<Uint8Array | number> {
    const { raw } = this.parts.transport;
    if (!raw) return -ENOTSUPP;
    const at = yield* this.select(register, again ? 1 : bytes / this.valueBytes);
    if (typeof at !== 'number') return at.error;
    return yield* raw.read(this.parts.format.header(this.onWire(at), true), bytes);
  }

  /** _regmap_raw_write_impl() without the cache. `again`: all to one register. */
  private *writeHardware(register: number, values: Uint8Array, again: boolean): Sleepable<number> {
    const { raw } = this.parts.transport;
    if (!raw) return -ENOTSUPP;
    const window = this.windowOf(register);
    const count = values.length / this.valueBytes;
    if (window && !again) {
      const room = window.length - ((register - window.first) % window.length);
      if (count > room) {
        const bytes = room * this.valueBytes;
        const error = yield* this.writeHardware(register, values.subarray(0, bytes), false);
        return error || (yield* this.writeHardware(register + room, values.subarray(bytes), false));
      }
    }
    const at = yield* this.select(register, again ? 1 : count);
    if (typeof at !== 'number') return at.error;
    return yield* raw.write(this.parts.format.header(this.onWire(at), false), values);
  }

  private windowOf(register: number): RegisterWindow | undefined {
    return this.parts.windows.find(({ first, last }) => register >= first && register <= last);
  }

  /** _regmap_select_page(): the register in the window, once the selector shows its page. */
  private *select(register: number, count: number): Sleepable<number | { readonly error: number }> {
    const window = this.windowOf(register);
    if (!window) return register;
    const offset = (register - window.first) % window.length;
    const page = Math.floor((register - window.first) / window.length);
    if (count > 1 && (register + count - 1 > window.last || count > window.length - offset))
      return { error: -EINVAL };
    const at = window.start + offset;
    if (count === 1 && at === window.selector) return at;
    const error = yield* this.update(window.selector, window.mask, page << window.shift);
    return error.status === 0 ? at : { error: error.status };
  }

  /** _regmap_update_bits() */
  *update(
    register: number,
    mask: number,
    value: number,
    force = false,
  ): Sleepable<{ readonly status: number; readonly changed: boolean }> {
    const { updateBits } = this.parts.transport;
    if (updateBits && (yield* this.isVolatile(register))) {
      const status = yield* updateBits(register, mask, value);
      return { status, changed: status === 0 };
    }
    const before = yield* this.read(register);
    if ('error' in before) return { status: before.error, changed: false };
    const after = ((before.value & ~mask) | (value & mask)) >>> 0;
    if (!force && after === before.value >>> 0) return { status: 0, changed: false };
    const status = yield* this.write(register, after);
    return { status, changed: status === 0 };
  }

  /** _regmap_raw_write(): values in the form of the wire, to registers one after the other, or all to one. */
  *writeRaw(register: number, values: Uint8Array, again: boolean): Sleepable<number> {
    const { singleWrite, transport, format } = this.parts;
    const { valueBytes } = this;
    if (values.length < valueBytes) return -EINVAL;
    const most = transport.maxWrite > 0 ? Math.floor(transport.maxWrite / valueBytes) : Infinity;
    const chunk = valueBytes * Math.min(singleWrite ? 1 : most, values.length / valueBytes);
    for (let done = 0; done < values.length; done += chunk) {
      const part = values.subarray(done, done + chunk);
      const at = again ? register : this.behind(register, done / valueBytes);
      for (let i = 0; i < part.length / valueBytes; i++)
        if (!again && !(yield* this.isWriteable(this.behind(at, i)))) return -EINVAL;
      if (!this.cacheBypass && !again)
        for (let i = 0; i < part.length / valueBytes; i++)
          yield* this.keep(
            this.behind(at, i),
            format.parse(part.subarray(i * valueBytes, (i + 1) * valueBytes)),
          );
      if (this.cacheOnly && this.cache) this.cache.isDirty = true;
      const error = this.cacheOnly ? 0 : yield* this.writeHardware(at, part, again);
      if (error) return error;
    }
    return 0;
  }

  /** Values in the form of the wire from the hardware, in messages as long as it takes. */
  *readMany(register: number, bytes: number, again: boolean): Sleepable<Uint8Array | number> {
    const { singleRead, transport } = this.parts;
    const { valueBytes } = this;
    const most = transport.maxRead > 0 ? transport.maxRead - (transport.maxRead % valueBytes) : Infinity;
    const chunk = Math.min(singleRead && !again ? valueBytes : most, bytes);
    const values = new Uint8Array(bytes);
    for (let done = 0; done < bytes; done += chunk) {
      const at = again ? register : this.behind(register, done / valueBytes);
      const part = yield* this.readRaw(at, Math.min(chunk, bytes - done), again);
      if (typeof part === 'number') return part;
      values.set(part, done);
    }
    return values;
  }

  /** regcache_sync(): brings what is kept between two registers to the hardware. */
  *sync(first: number, last: number, patched: boolean): Sleepable<number> {
    const { cache, cacheBypass } = this;
    if (!cache) return -EINVAL;
    this.cacheBypass = true;
    let error = 0;
    if (patched) for (const [register, value] of this.patch) error ||= yield* this.write(register, value);
    for (const run of yield* this.runs(cache.unwritten(first, last))) {
      if (error) break;
      error = yield* this.writeRun(run);
    }
    this.cacheBypass = cacheBypass;
    return error;
  }

  /** Neighbours among registers that can be written: one message each where the bus can. */
  private *runs(
    registers: readonly (readonly [register: number, value: number])[],
  ): Sleepable<(readonly [register: number, value: number])[][]> {
    const runs: (readonly [register: number, value: number])[][] = [];
    for (const entry of registers) {
      if ((yield* this.isVolatile(entry[0])) || !(yield* this.isWriteable(entry[0]))) continue;
      const last = runs.at(-1);
      if (last && last[last.length - 1][0] + this.parts.stride === entry[0]) last.push(entry);
      else runs.push([entry]);
    }
    return runs;
  }

  private *writeRun(run: readonly (readonly [register: number, value: number])[]): Sleepable<number> {
    const { format, transport, singleWrite } = this.parts;
    if (transport.raw && !format.isShared && !singleWrite)
      return yield* this.writeRaw(
        run[0][0],
        Uint8Array.from(run.flatMap(([, value]) => format.value(value))),
        false,
      );
    for (const [register, value] of run) {
      const error = yield* this.write(register, value);
      if (error) return error;
    }
    return 0;
  }
}
