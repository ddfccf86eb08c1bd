import type { Ptr } from '../../cpu/layout.js';
import { nothing, partly } from '../../kernel/abi/fidelity.js';
import { TaskCredentials } from '../credentials.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

/** How many users and groups there may be. */
const ALL_IDS = 0xffff_ffff;
const CAPABILITIES_ALL = 0x1ff_ffff_ffffn;
const INIT_USER_NS_LEVEL = 0;
const ONE_NAMESPACE = 'there is one user namespace';
/** Who stands for users and groups that have no number here (DEFAULT_OVERFLOWUID, include/linux/highuid.h). */
const NOBODY = 65534;

/** Who may do what (kernel/capability.c), and the one user namespace (kernel/user_namespace.c). */
export class Capabilities implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    capable: (capability: number) => this.capable(capability),
    ns_capable: (_namespace: Ptr, capability: number) => this.capable(capability),
    ns_capable_noaudit: (_namespace: Ptr, capability: number) => this.capable(capability),
    file_ns_capable: nothing('every opener of a file may do everything', true),
    has_capability: (task: Ptr, capability: number) => this.hasCapability(task, capability),
    has_capability_noaudit: (task: Ptr, capability: number) => this.hasCapability(task, capability),
    capable_wrt_inode_uidgid: (_owner: Ptr, _inode: Ptr, capability: number) => this.capable(capability),
    make_kuid: partly(ONE_NAMESPACE, (_ns: Ptr, uid: number) => uid),
    make_kgid: partly(ONE_NAMESPACE, (_ns: Ptr, gid: number) => gid),
    from_kuid: partly(ONE_NAMESPACE, (_ns: Ptr, uid: number) => uid),
    from_kuid_munged: partly(ONE_NAMESPACE, (_ns: Ptr, uid: number) => uid),
    from_kgid: partly(ONE_NAMESPACE, (_ns: Ptr, gid: number) => gid),
    from_kgid_munged: partly(ONE_NAMESPACE, (_ns: Ptr, gid: number) => gid),
    in_group_p: nothing('the user is in every group', 1),
    in_egroup_p: nothing('the user is in every group', 1),
  };

  /** As the image has them. */
  readonly keeps = ['root_user', 'init_ucounts', 'init_groups'];

  readonly data = {
    init_cred: (at: Ptr) => this.fillCredentials(at),
    init_user_ns: (at: Ptr) => this.initialUserNamespace(at),
    overflowuid: (at: Ptr) => this.k.space.store32(at, NOBODY),
    overflowgid: (at: Ptr) => this.k.space.store32(at, NOBODY),
  };

  /** Held by init, its credentials and the network namespace. */
  private initialUserNamespace(at: Ptr): void {
    const type = this.k.struct('user_namespace');
    type.set(at, 'level', INIT_USER_NS_LEVEL);
    type.set(at, 'ns.count.refs.counter', 3);
    for (const map of ['uid_map', 'gid_map', 'projid_map']) this.mapAll(type.addr(at, map));
  }

  /** A struct uid_gid_map in which every number stands for itself. */
  private mapAll(at: Ptr): void {
    const type = this.k.struct('uid_gid_map');
    type.set(at, 'nr_extents', 1);
    this.k.struct('uid_gid_extent').set(type.addr(at, 'extent'), 'count', ALL_IDS);
  }

  private capable(capability: number): boolean {
    const who = this.k.get(TaskCredentials);
    return who.has(who.current, capability);
  }

  private hasCapability(task: Ptr, capability: number): boolean {
    return this.k.get(TaskCredentials).has(this.k.struct('task_struct').get(task, 'real_cred'), capability);
  }

  private fillCredentials(at: Ptr): void {
    const type = this.k.struct('cred');
    type.set(at, 'usage.counter', 4);
    for (const set of ['cap_permitted', 'cap_effective', 'cap_bset'])
      this.k.space.store64(type.addr(at, set), CAPABILITIES_ALL);
    if (this.k.hasSymbol('init_user_ns')) type.set(at, 'user_ns', this.k.symbol('init_user_ns'));
    // Where symbol tables leave them out, nobody has code that looks at them.
    if (this.k.hasSymbol('root_user')) type.set(at, 'user', this.k.symbol('root_user'));
    if (this.k.hasSymbol('init_ucounts')) type.set(at, 'ucounts', this.k.symbol('init_ucounts'));
    if (this.k.hasSymbol('init_groups')) type.set(at, 'group_info', this.k.symbol('init_groups'));
  }
}
