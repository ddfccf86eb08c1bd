import type { Ptr } from '../../../cpu/layout.js';
import { compressionOf, unpack } from '../../../formats/compressed/unpack.js';
import { FormatError } from '../../../formats/format-error.js';
import { nothing } from '../../../kernel/abi/fidelity.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { DataNode } from '../../../kernel/files/index.js';
import { LOGLEVEL_ERR, LOGLEVEL_INFO, LOGLEVEL_WARNING } from '../../../kernel/log.js';
import { bootParameter } from '../../boot-parameters.js';
import { EINVAL, ENOENT } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import { freeConst } from '../../kobject/names.js';
import { deviceName, driverName } from '../../printk/device-names.js';
import type { Subsystem } from '../../subsystem.js';
import { getDevice, putDevice } from './device.js';

/** Suffixes of packed files, and the option of a kernel that looks for them, in its order. */
const COMPRESSIONS = [
  ['.zst', 'CONFIG_FW_LOADER_COMPRESS_ZSTD'],
  ['.xz', 'CONFIG_FW_LOADER_COMPRESS_XZ'],
] as const;
/** What a file of firmware may be unpacked to: the kernel's limit is INT_MAX, the machine's memory less. */
const MAX_FIRMWARE_BYTES = 256 * 1024 * 1024;

/**
 * Firmware files (drivers/base/firmware_loader, Documentation/driver-api/firmware). Debian's kernel says for
 * every file that it does not find where it looked.
 */
export class FirmwareLoader implements Subsystem {
  private adviceGiven = false;
  /** `firmware_class.path`: a folder that is looked into first. */
  private path: string;

  constructor(private readonly k: LinuxKernel) {
    this.path = bootParameter(k.cmdline, 'firmware_class.path') ?? '';
  }

  readonly parameters = [
    {
      module: 'firmware_class',
      name: 'path',
      mode: 0o644,
      get: () => `${this.path}\n`,
      set: (text: string) => {
        this.path = text.replace(/\n$/, '');
        return 0;
      },
    },
  ];

  readonly exports = {
    request_firmware: (slot: Ptr, name: Ptr, device: Ptr) => this.request(slot, name, device, true),
    request_firmware_direct: (slot: Ptr, name: Ptr, device: Ptr) => this.request(slot, name, device, false),
    firmware_request_nowarn: (slot: Ptr, name: Ptr, device: Ptr) => this.request(slot, name, device, false),
    // Nothing that firmware handed over embeds a platform's own: the machine was not started by EFI.
    firmware_request_platform: (slot: Ptr, name: Ptr, device: Ptr) => this.request(slot, name, device, true),
    firmware_request_cache: nothing('firmware is not cached for a resume: there is none', 0),
    request_firmware_into_buf: (slot: Ptr, name: Ptr, device: Ptr, buffer: Ptr, size: number) =>
      this.intoBuffer(slot, name, device, buffer, size, { offset: 0, partial: false }),
    request_partial_firmware_into_buf: (
      slot: Ptr,
      name: Ptr,
      device: Ptr,
      buffer: Ptr,
      size: number,
      offset: number,
    ) => this.intoBuffer(slot, name, device, buffer, size, { offset, partial: true }),
    request_firmware_nowait: (
      _module: Ptr,
      uevent: boolean,
      name: Ptr,
      device: Ptr,
      _gfp: number,
      context: Ptr,
      done: Ptr,
    ) => this.later(uevent, name, device, context, done),
    release_firmware: (firmware: Ptr) => this.release(firmware),
  };

  private *request(slot: Ptr, name: Ptr, device: Ptr, complain: boolean): Sleepable<number> {
    const { k } = this;
    if (slot === 0) return -EINVAL;
    k.space.storePtr(slot, 0);
    if (name === 0 || k.space.load8(name) === 0) return -EINVAL;
    const text = k.space.cstring(name);
    if (text.split('/').includes('..')) {
      this.say(device, `Firmware load for '${text}' refused, path contains '..' component`, LOGLEVEL_WARNING);
      return -EINVAL;
    }
    const content = yield* this.find(text);
    if (content === undefined) {
      for (let attempt = 0; attempt < this.attempts(); attempt++) {
        this.say(
          device,
          `firmware: failed to load ${text} (${-ENOENT})`,
          complain ? LOGLEVEL_ERR : LOGLEVEL_WARNING,
        );
        this.advise();
      }
      if (complain)
        this.say(device, `Direct firmware load for ${text} failed with error ${-ENOENT}`, LOGLEVEL_WARNING);
      return -ENOENT;
    }
    this.say(device, `firmware: direct-loading firmware ${text}`, LOGLEVEL_INFO);
    k.space.storePtr(slot, this.store(content, 0));
    return 0;
  }

  /** The file in the folders that firmware may lie in, as it is or packed. Undefined: there is none of that name. */
  private *find(name: string): Sleepable<Uint8Array | undefined> {
    const { k } = this;
    const { release } = k.target;
    const folders = [`/lib/firmware/updates/${release}`, '/lib/firmware/updates', `/lib/firmware/${release}`];
    const suffixes = COMPRESSIONS.filter(([, option]) => k.configured(option)).map(([suffix]) => suffix);
    for (const suffix of ['', ...suffixes])
      for (const folder of [this.path, ...folders, '/lib/firmware'].filter(Boolean)) {
        const path = `${folder}/${name}${suffix}`;
        const found = yield* k.files.resolve(path);
        if (typeof found === 'number' || !(found.node instanceof DataNode)) continue;
        const content = this.unpacked(found.node.content(), path, suffix !== '');
        if (content) return content;
      }
    return undefined;
  }

  /** A packed file that is damaged counts for none. */
  private unpacked(bytes: Uint8Array, path: string, packed: boolean): Uint8Array | undefined {
    if (!packed) return bytes;
    if (compressionOf(bytes) === 'none') return undefined;
    try {
      return unpack(bytes, path, MAX_FIRMWARE_BYTES);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      this.k.log.line(`modbox: ${error.message}`, LOGLEVEL_WARNING);
      return undefined;
    }
  }

  /** request_firmware_into_buf(), and in part: as many bytes of a file, from an offset, as the caller has room for. */
  private *intoBuffer(
    slot: Ptr,
    name: Ptr,
    device: Ptr,
    buffer: Ptr,
    size: number,
    { offset, partial }: { readonly offset: number; readonly partial: boolean },
  ): Sleepable<number> {
    const error = yield* this.request(slot, name, device, true);
    if (error) return error;
    const { k } = this;
    const firmware = k.space.loadPtr(slot);
    const type = k.struct('firmware');
    const whole = type.get(firmware, 'size');
    const data = type.get(firmware, 'data');
    const bytes = Math.min(Math.max(whole - offset, 0), size);
    const part = k.space.readable(data + Math.min(offset, whole), bytes).slice();
    k.space.writable(buffer, bytes).set(part);
    if (offset > 0) k.space.writable(data, bytes).set(part);
    if (partial) type.set(firmware, 'size', bytes);
    return 0;
  }

  /** request_firmware_nowait(): asks in a task of its own and tells the caller's function. */
  private later(uevent: boolean, name: Ptr, device: Ptr, context: Ptr, done: Ptr): number {
    const { k } = this;
    getDevice(k, device);
    const work = this.work(k.space.cstring(name), uevent, device, context, done);
    k.processes.create('kworker/0:fw', work, { kernelThread: true });
    return 0;
  }

  private *work(name: string, uevent: boolean, device: Ptr, context: Ptr, done: Ptr): Sleepable<number> {
    const { k } = this;
    const scratch = k.slab.allocateBytes(8 + name.length + 1, true);
    k.space.storeCstring(scratch + 8, name);
    yield* this.request(scratch, scratch + 8, device, uevent);
    const firmware = k.space.loadPtr(scratch);
    k.slab.free(scratch);
    // void (*cont)(const struct firmware *, void *), a parameter of request_firmware_nowait().
    yield* k.callAs('v:pp', done, firmware, context);
    yield* putDevice(k, device);
    return 0;
  }

  private store(content: Uint8Array, priv: Ptr): Ptr {
    const { k } = this;
    const type = k.struct('firmware');
    const firmware = k.slab.allocateBytes(type.size, true);
    const data = k.slab.allocateBytes(Math.max(content.length, 1), false);
    k.space.writable(data, content.length).set(content);
    type.set(firmware, 'size', content.length);
    type.set(firmware, 'data', data);
    type.set(firmware, 'priv', priv);
    return firmware;
  }

  private release(firmware: Ptr): void {
    if (firmware === 0) return;
    freeConst(this.k, this.k.struct('firmware').get(firmware, 'data'));
    this.k.slab.free(firmware);
  }

  /** How often a file is looked for: as it is, and with the suffix of each compression the kernel knows. */
  private attempts(): number {
    return 1 + COMPRESSIONS.filter(([, option]) => this.k.configured(option)).length;
  }

  private advise(): void {
    if (this.adviceGiven) return;
    this.adviceGiven = true;
    const where = 'https://wiki.debian.org/Firmware';
    this.k.log.line(`firmware_class: See ${where} for information about missing firmware`, LOGLEVEL_ERR);
  }

  private say(device: Ptr, text: string, level: number): void {
    const { k } = this;
    if (device === 0) k.log.line(`(NULL device *): ${text}`, level);
    else k.log.line(`${driverName(k, device)} ${deviceName(k, device)}: ${text}`, level);
  }
}
