import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { EACCES, ENOENT } from '../../errno.js';
import { errPtr, isErr } from '../../errors.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { Dcache } from './dcache.js';

/** A dentry of that name, negative if there is nothing, with a reference; or an ERR_PTR. */
export function* lookUpBelow(k: LinuxKernel, parent: Ptr, name: string): Sleepable<Ptr> {
  const cache = k.get(Dcache);
  const known = cache.find(parent, name);
  if (known !== 0) return cache.get(known);
  const superBlock = k.struct('dentry').get(parent, 'd_sb');
  const directory = cache.inodeOf(parent);
  const table = k.struct('inode').get(directory, 'i_op');
  const dentry = cache.alloc(parent, name, superBlock);
  const operations = k.struct('inode_operations');
  if (table === 0 || operations.get(table, 'lookup') === 0) return dentry;
  const other = yield* operations.call(table, 'lookup', directory, dentry, 0);
  if (other === 0) return dentry;
  yield* cache.put(dentry);
  return other;
}

/** Look-ups of one name by kernel code (fs/namei.c). */
export class NameLookups implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    lookup_one_len: (name: Ptr, base: Ptr, length: number) => this.one(name, base, length),
    lookup_one_len_unlocked: (name: Ptr, base: Ptr, length: number) => this.one(name, base, length),
    lookup_positive_unlocked: (name: Ptr, base: Ptr, length: number) => this.positive(name, base, length),
  };

  private *one(name: Ptr, base: Ptr, length: number): Sleepable<Ptr> {
    const text = this.k.space.cstring(name, length);
    if (text === '' || text === '.' || text === '..' || text.includes('/')) return errPtr(EACCES);
    return yield* lookUpBelow(this.k, base, text);
  }

  private *positive(name: Ptr, base: Ptr, length: number): Sleepable<Ptr> {
    const dentry = yield* this.one(name, base, length);
    const cache = this.k.get(Dcache);
    if (isErr(dentry) || cache.inodeOf(dentry) !== 0) return dentry;
    yield* cache.put(dentry);
    return errPtr(ENOENT);
  }
}
