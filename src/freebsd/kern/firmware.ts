import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import type { Holding } from '../../kernel/modules/holding.js';
import { EBUSY } from '../errno.js';
import type { FreebsdKernel } from '../kernel.js';
import { KernLinker } from '../linker/kern-linker.js';
import type { LinkerFile } from '../linker/linker-file.js';
import type { Subsystem } from '../subsystem.js';
import { Credentials } from './kern-prot.js';
import { Locks } from './locks.js';
import { Malloc } from './malloc.js';
import { defineType } from './malloc-type.js';
import { Panic } from './panic.js';
import { SubrPrf } from './subr_prf.js';

interface Image {
  /** struct firmware *. */
  readonly at: Ptr;
  readonly name: string;
  readonly parent: Image | undefined;
  refs: number;
  /** The file that firmware_get() loaded for it. */
  file: LinkerFile | undefined;
  unload: boolean;
}

/** firmware(9) (sys/kern/subr_firmware.c): images for devices that modules bring, by name. */
export class Firmware implements Subsystem {
  /** GENERIC has it built in. */
  readonly modules = [{ name: 'firmware', version: 1 }];
  private readonly images = new Map<string, Image>();
  private type: Ptr = 0;

  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    firmware_register: (name: Ptr, data: Ptr, size: number, version: number, parent: Ptr) =>
      this.register(this.k.space.cstring(name), data, size, version, parent),
    firmware_unregister: (name: Ptr) => this.unregister(this.k.space.cstring(name)),
    firmware_get: (name: Ptr) => this.get(this.k.space.cstring(name), 0),
    firmware_get_flags: (name: Ptr, flags: number) => this.get(this.k.space.cstring(name), flags),
    firmware_put: (image: Ptr, flags: number) => this.put(this.at(image), flags),
  };

  boot(): void {
    this.type = defineType(this.k, 'M_FIRMWARE', 'firmware');
  }

  private print(text: string): void {
    this.k.get(SubrPrf).line(text);
  }

  private get isVerbose(): boolean {
    return this.k.space.load32(this.k.variable('bootverbose')) !== 0;
  }

  private at(at: Ptr): Image {
    for (const image of this.images.values()) if (image.at === at) return image;
    this.k.space.load8(at);
    const address = `0x${this.k.space.toAddress(at).toString(16)}`;
    throw new Panic(`there is no firmware image at ${address}`, 'use-after-free', at);
  }

  private register(name: string, data: Ptr, size: number, version: number, parent: Ptr): Ptr {
    const { k } = this;
    if (this.images.has(name)) {
      this.print(`firmware_register: image ${name} already registered!`);
      return 0;
    }
    const type = k.struct('firmware');
    const flags = k.macro('M_WAITOK') | k.macro('M_ZERO');
    const at = k.get(Malloc).malloc(type.size, this.type, flags);
    type.set(at, 'name', k.constantString(name));
    type.set(at, 'data', data);
    type.set(at, 'datasize', size);
    type.set(at, 'version', version);
    const above = parent === 0 ? undefined : this.at(parent);
    this.images.set(name, { at, name, parent: above, refs: 0, file: undefined, unload: false });
    k.origins.note(at);
    if (this.isVerbose) {
      const address = `0x${k.space.toAddress(data).toString(16)}`;
      this.print(`firmware: '${name}' version ${version}: ${size} bytes loaded at ${address}`);
    }
    return at;
  }

  /** An image that is not there may have gone with its file's last reference. */
  private unregister(name: string): number {
    const image = this.images.get(name);
    if (!image) return 0;
    if (image.refs !== 0) return EBUSY;
    this.images.delete(name);
    this.k.origins.forget(image.at);
    this.k.get(Malloc).free(image.at, this.type);
    return 0;
  }

  /** The image of a name; the file of the module of that name is loaded for it. 0 where there is none. */
  private *get(name: string, flags: number): Sleepable<Ptr> {
    if (!this.images.has(name)) yield* this.load(name, flags);
    const image = this.images.get(name);
    if (!image) return 0;
    if (image.refs === 0 && image.parent) image.parent.refs++;
    image.refs++;
    return image.at;
  }

  private *load(name: string, flags: number): Sleepable<void> {
    const { k } = this;
    const linker = k.get(KernLinker);
    k.get(Locks).mightSleep(`firmware_get("${name}")`);
    if (k.get(Credentials).securelevel > 0) {
      this.print(`firmware_get_flags: insufficient privileges to load firmware image ${name}`);
      return;
    }
    const result = yield* linker.referenceModule(name);
    if ('errno' in result) {
      if (this.isVerbose || (flags & k.macro('FIRMWARE_GET_NOWARN')) === 0)
        this.print(`${name}: could not load firmware image, error ${result.errno}`);
      return;
    }
    const image = this.images.get(name);
    if (image && !image.file) {
      image.file = result.file;
      return;
    }
    if (!image) this.print(`${name}: firmware image loaded, but did not register`);
    yield* linker.unload(result.file, false);
  }

  /** Gives an image back; with the last one its file goes, if that is wanted. */
  private put(image: Image, flags: number): void {
    const { k } = this;
    image.refs--;
    if (image.refs !== 0) return;
    if (image.parent) image.parent.refs--;
    if (flags & k.macro('FIRMWARE_UNLOAD')) image.unload = true;
    if (!image.file || !image.unload) return;
    const process = k.processes.kernel;
    k.processes.spawn({ name: 'firmware taskq', process }, this.unloadFile(image));
  }

  private *unloadFile(image: Image): Sleepable<number> {
    const { file } = image;
    if (!file || image.refs > 0) return 0;
    image.file = undefined;
    return yield* this.k.get(KernLinker).unload(file, false);
  }

  *holds(): Generator<Holding> {
    for (const { at, name } of this.images.values())
      yield {
        kind: 'firmware image',
        at,
        uses: [this.k.struct('firmware').get(at, 'data')],
        by: this.k.origins.of(at),
        name: () => name,
      };
  }
}
