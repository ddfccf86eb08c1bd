import type { Ptr } from '../../cpu/layout.js';
import type { Holding } from '../holding.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

/** What NFS client and server register with each other for server-side copy (fs/nfs_common/nfs_ssc.c). */
export class NfsServerCopy implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    nfs42_ssc_register: (operations: Ptr) => this.set('ssc_nfs4_ops', operations),
    nfs42_ssc_unregister: (operations: Ptr) => this.clear('ssc_nfs4_ops', operations),
    nfs_ssc_register: (operations: Ptr) => this.set('ssc_nfs_ops', operations),
    nfs_ssc_unregister: (operations: Ptr) => this.clear('ssc_nfs_ops', operations),
  };

  *holds(): Generator<Holding> {
    for (const name of ['ssc_nfs4_ops', 'ssc_nfs_ops']) {
      const at = this.k.space.loadPtr(this.slot(name));
      if (at !== 0) yield { kind: 'server-side copy operations', at, name: () => name };
    }
  }

  private slot(member: string): Ptr {
    return this.k.struct('nfs_ssc_client_ops_tbl').addr(this.k.symbol('nfs_ssc_client_tbl'), member);
  }

  private set(member: string, operations: Ptr): void {
    this.k.space.storePtr(this.slot(member), operations);
  }

  private clear(member: string, operations: Ptr): void {
    if (this.k.space.loadPtr(this.slot(member)) === operations) this.set(member, 0);
  }
}
