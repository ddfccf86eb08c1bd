import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { LOGLEVEL_CRIT, LOGLEVEL_ERR } from '../../../kernel/log.js';
import { GuestList } from '../../abi/guest-list.js';
import { slabFlag } from '../../abi/slab-flags.js';
import { EINVAL, ENOBUFS, ENOMEM } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import { SlabExports } from '../../mm/slab.js';
import type { Subsystem } from '../../subsystem.js';

/** How many protocols may count their sockets (PROTO_INUSE_NR). */
const INUSE_SLOTS = 64;

/** Protocols of sockets, with the caches that their sockets come from (net/core/sock.c). */
export class SocketProtocols implements Subsystem {
  private readonly protocols: GuestList;
  private readonly indices = new Set<number>();

  constructor(private readonly k: LinuxKernel) {
    this.protocols = new GuestList(k, 'proto', 'node', 'proto_list', {
      kind: 'socket protocol',
      name: 'name',
    });
  }

  readonly exports = {
    proto_register: (proto: Ptr, allocateSlab: number) => this.register(proto, allocateSlab !== 0),
    proto_unregister: (proto: Ptr) => this.unregister(proto),
  };

  *[Symbol.iterator](): Generator<Ptr> {
    yield* this.protocols;
  }

  private register(proto: Ptr, allocateSlab: boolean): number {
    const { k } = this;
    const type = k.struct('proto');
    const name = type.text(proto, 'name');
    if (type.get(proto, 'memory_allocated') !== 0) {
      const required = ['sysctl_mem', 'per_cpu_fw_alloc'].filter((field) => type.has(field));
      const missing = required.find((field) => type.get(proto, field) === 0);
      if (missing !== undefined) {
        k.log.line(`${name}: missing ${missing}`, LOGLEVEL_ERR);
        return -EINVAL;
      }
    }
    if (allocateSlab) {
      const error = this.createCaches(proto, name);
      if (error) return error;
    }
    const index = this.freeIndex();
    type.set(proto, 'inuse_idx', index);
    if (index === INUSE_SLOTS - 1) {
      k.log.line('PROTO_INUSE_NR exhausted', LOGLEVEL_ERR);
      this.freeCaches(proto);
      return -ENOBUFS;
    }
    this.indices.add(index);
    this.protocols.add(proto);
    return 0;
  }

  private *unregister(proto: Ptr): Sleepable<void> {
    const { k } = this;
    const type = k.struct('proto');
    const index = type.get(proto, 'inuse_idx');
    if (index !== INUSE_SLOTS - 1) this.indices.delete(index);
    this.protocols.del(proto);
    yield* k.wait(this.freeCaches(proto));
  }

  private createCaches(proto: Ptr, name: string): number {
    const { k } = this;
    const type = k.struct('proto');
    const flags = type.get(proto, 'slab_flags') | slabFlag(k, 'HWCACHE_ALIGN') | slabFlag(k, 'ACCOUNT');
    const copied = [type.get(proto, 'useroffset'), type.get(proto, 'usersize')] as const;
    type.set(proto, 'slab', this.createCache(name, type.get(proto, 'obj_size'), flags, copied));
    if (type.get(proto, 'slab') === 0) {
      k.log.line(`${name}: Can't create sock SLAB cache!`, LOGLEVEL_CRIT);
      return -ENOBUFS;
    }
    const own = type.get(proto, 'slab_flags') | slabFlag(k, 'ACCOUNT');
    const request = type.get(proto, 'rsk_prot');
    if (request !== 0 && !this.sideCache(request, 'request_sock_ops', `request_sock_${name}`, '', own))
      return this.refused(name, 'request');
    const timewait = type.get(proto, 'twsk_prot');
    if (timewait !== 0 && !this.sideCache(timewait, 'timewait_sock_ops', `tw_sock_${name}`, 'twsk_', own))
      return this.refused(name, 'timewait');
    return 0;
  }

  private refused(name: string, what: string): number {
    this.k.log.line(`${name}: Can't create ${what} sock SLAB cache!`, LOGLEVEL_CRIT);
    return -ENOMEM;
  }

  private sideCache(ops: Ptr, struct: string, name: string, prefix: string, flags: number): boolean {
    const { k } = this;
    const type = k.struct(struct);
    const text = k.slab.allocateBytes(name.length + 1, true);
    k.space.storeCstring(text, name);
    type.set(ops, `${prefix}slab_name`, text);
    const cache = this.createCache(name, type.get(ops, prefix === '' ? 'obj_size' : 'twsk_obj_size'), flags);
    type.set(ops, `${prefix}slab`, cache);
    return cache !== 0;
  }

  /** `copied`: offset and size of what may be copied from and to user memory. */
  private createCache(
    name: string,
    size: number,
    flags: number,
    [offset, bytes]: readonly [number, number] = [0, 0],
  ): Ptr {
    const { k } = this;
    const { kmem_cache_create_usercopy: create } = k.get(SlabExports).exports;
    return create(k.constantString(name), size, 0, flags, offset, bytes, 0);
  }

  private freeCaches(proto: Ptr): void {
    const { k } = this;
    const type = k.struct('proto');
    this.destroy(type.get(proto, 'slab'));
    type.set(proto, 'slab', 0);
    for (const [field, struct, prefix] of [
      ['rsk_prot', 'request_sock_ops', ''],
      ['twsk_prot', 'timewait_sock_ops', 'twsk_'],
    ] as const) {
      const ops = type.get(proto, field);
      if (ops === 0) continue;
      const side = k.struct(struct);
      const text = side.get(ops, `${prefix}slab_name`);
      if (text !== 0) k.slab.free(text);
      side.set(ops, `${prefix}slab_name`, 0);
      this.destroy(side.get(ops, `${prefix}slab`));
      side.set(ops, `${prefix}slab`, 0);
    }
  }

  private destroy(cache: Ptr): void {
    if (cache !== 0) this.k.get(SlabExports).destroyCache(cache);
  }

  private freeIndex(): number {
    for (let index = 0; index < INUSE_SLOTS - 1; index++) if (!this.indices.has(index)) return index;
    return INUSE_SLOTS - 1;
  }
}
