import type { Ptr } from '../../../cpu/layout.js';
import { ENOMEM } from '../../errno.js';
import { Unimplemented } from '../../errors.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';

/** Buckets of listening sockets (INET_LHTABLE_SIZE) and what their ends are numbered from. */
const LISTEN_BUCKETS = 32;
const LISTENING_NULLS_BASE = 1 << 29;
/** Bytes of locks that a CPU gets: two cache lines. */
const LOCK_BYTES = 128;

/** Hash tables of connection-oriented protocols' sockets (net/ipv4/inet_hashtables.c). */
export class InetHashtables implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    inet_hashinfo2_init_mod: (info: Ptr) => this.initListeners(info),
    inet_ehash_locks_alloc: (info: Ptr) => this.allocateLocks(info),
    inet_unhash: (sk: Ptr) => this.unhash(sk),
  };

  /** A socket that is in no table needs nothing; what puts sockets into tables is not implemented. */
  private unhash(sk: Ptr): void {
    const hashed = this.k.struct('sock').get(sk, '__sk_common.skc_node.pprev') !== 0;
    if (hashed) throw new Unimplemented('inet_unhash of a hashed socket', '');
  }

  private initListeners(info: Ptr): number {
    const { k } = this;
    const type = k.struct('inet_hashinfo');
    const bucket = k.struct('inet_listen_hashbucket');
    const table = k.slab.allocateBytes(bucket.size * LISTEN_BUCKETS, true);
    if (table === 0) return -ENOMEM;
    type.set(info, 'lhash2', table);
    type.set(info, 'lhash2_mask', LISTEN_BUCKETS - 1);
    for (let i = 0; i < LISTEN_BUCKETS; i++) {
      const end = (LISTENING_NULLS_BASE + i) * 2 + 1;
      k.space.storeLong(bucket.addr(table + i * bucket.size, 'nulls_head'), end);
    }
    return 0;
  }

  private allocateLocks(info: Ptr): number {
    const { k } = this;
    const type = k.struct('inet_hashinfo');
    const size = k.sizeOf('spinlock_t');
    const count = Math.min(LOCK_BYTES / size, type.get(info, 'ehash_mask') + 1);
    const locks = k.slab.allocateBytes(count * size, true);
    if (locks === 0) return -ENOMEM;
    type.set(info, 'ehash_locks', locks);
    type.set(info, 'ehash_locks_mask', count - 1);
    return 0;
  }
}
