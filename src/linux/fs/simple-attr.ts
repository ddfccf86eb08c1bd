import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { EACCES, EFAULT, ENOMEM } from '../errno.js';
import type { LinuxKernel } from '../kernel.js';
import { parseInteger } from '../lib/string/kstrtox.js';
import { sprintf } from '../lib/vsprintf/vsprintf.js';
import { Mutexes } from '../locking/mutex.js';
import { UserMemory } from '../mm/user-memory.js';
import type { Subsystem } from '../subsystem.js';
import { BufferFiles } from './libfs-buffers.js';
import { SeekFunctions } from './llseek.js';
import { withLocals } from './locals.js';

/** Files that show and take one number through functions (DEFINE_SIMPLE_ATTRIBUTE, fs/libfs.c). */
export class SimpleAttributes implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    simple_attr_open: (inode: Ptr, file: Ptr, get: Ptr, set: Ptr, format: Ptr) =>
      this.open(inode, file, get, set, format),
    simple_attr_release: (_inode: Ptr, file: Ptr) => {
      this.k.slab.free(this.of(file));
      return 0;
    },
    simple_attr_read: (file: Ptr, buffer: Ptr, count: number, position: Ptr) =>
      this.read(file, buffer, count, position),
    simple_attr_write: (file: Ptr, buffer: Ptr, count: number, _position: Ptr) =>
      this.write(file, buffer, count, false),
    simple_attr_write_signed: (file: Ptr, buffer: Ptr, count: number, _position: Ptr) =>
      this.write(file, buffer, count, true),
  };

  *read(file: Ptr, buffer: Ptr, count: number, position: Ptr): Sleepable<number> {
    const { k, type } = this;
    const attribute = this.of(file);
    if (type.get(attribute, 'get') === 0) return -EACCES;
    let text = type.text(attribute, 'get_buf');
    if (k.space.load64(position) === 0n || text === '') {
      const value = yield* this.value(attribute);
      if (typeof value === 'number') return value;
      text = sprintf(k, k.space.cstring(type.get(attribute, 'fmt')), value);
      type.setText(attribute, 'get_buf', text);
      text = type.text(attribute, 'get_buf');
    }
    const from = type.addr(attribute, 'get_buf');
    return k.get(BufferFiles).readFrom(buffer, count, position, from, text.length);
  }

  *write(file: Ptr, buffer: Ptr, count: number, signed: boolean): Sleepable<number> {
    const { k, type } = this;
    const attribute = this.of(file);
    if (type.get(attribute, 'set') === 0) return -EACCES;
    const wanted = Math.min(count, type.member('set_buf').size - 1);
    const bytes = k.get(UserMemory).copyFrom(buffer, wanted);
    if (bytes.length < wanted) return -EFAULT;
    const parsed = parseInteger(String.fromCharCode(...bytes).split('\0')[0], 0, { signed, bits: 64 });
    if ('error' in parsed) return parsed.error;
    const result = yield* type.call(attribute, 'set', type.get(attribute, 'data'), parsed.value);
    return result === 0 ? count : result;
  }

  private get type() {
    return this.k.struct('simple_attr');
  }

  private of(file: Ptr): Ptr {
    return this.k.struct('file').get(file, 'private_data');
  }

  private open(inode: Ptr, file: Ptr, get: Ptr, set: Ptr, format: Ptr): number {
    const { k, type } = this;
    const attribute = k.slab.allocateBytes(type.size, true);
    if (attribute === 0) return -ENOMEM;
    type.set(attribute, 'get', get);
    type.set(attribute, 'set', set);
    type.set(attribute, 'data', k.struct('inode').get(inode, 'i_private'));
    type.set(attribute, 'fmt', format);
    k.get(Mutexes).init(type.addr(attribute, 'mutex'));
    k.struct('file').set(file, 'private_data', attribute);
    return k.get(SeekFunctions).openNonseekable(file);
  }

  /** What the get function stores, or the error it gives. */
  private *value(attribute: Ptr): Sleepable<bigint | number> {
    const { k, type } = this;
    return yield* withLocals(k, 8, function* (at): Sleepable<bigint | number> {
      const error = yield* type.call(attribute, 'get', type.get(attribute, 'data'), at);
      return error === 0 ? k.space.load64(at) : error;
    });
  }
}
