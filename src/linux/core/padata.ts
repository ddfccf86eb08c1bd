import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { list } from '../abi/list.js';
import { EBUSY, EINVAL } from '../errno.js';
import type { LinuxKernel } from '../kernel.js';
import { Kobjects } from '../kobject/kobject.js';
import { hostKtype } from '../kobject/ktype.js';
import { BottomHalves } from '../locking/bottom-halves.js';
import { Workqueues } from '../sched/workqueue.js';
import type { Subsystem } from '../subsystem.js';

/** Flags of an instance (include/linux/padata.h). */
const PADATA_INIT = 1;
const PADATA_RESET = 2;
const CPUMASKS = ['serial_cpumask', 'parallel_cpumask'];

/**
 * Work that runs in parallel and is finished in the order it came in (kernel/padata.c,
 * Documentation/core-api/padata.rst). There is one CPU to do it on. Masks of CPUs can be read, not changed.
 */
export class Padata implements Subsystem {
  static readonly builtIn = 'CONFIG_PADATA';

  private ktype: Ptr = 0;
  /** Jobs of each shell (struct padata_priv) that were not finished, oldest first. */
  private readonly shells = new Map<Ptr, Ptr[]>();
  private readonly shellOf = new Map<Ptr, Ptr>();
  private readonly done = new Set<Ptr>();
  /** Host work: which step of which job. */
  private readonly steps = new Map<Ptr, { readonly job: Ptr; readonly step: 'parallel' | 'serial' }>();

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    padata_alloc: (name: Ptr) => this.allocate(this.k.space.cstring(name)),
    padata_free: (instance: Ptr) =>
      this.k.get(Kobjects).put(this.k.struct('padata_instance').addr(instance, 'kobj')),
    padata_alloc_shell: (instance: Ptr) => this.allocateShell(instance),
    padata_free_shell: (shell: Ptr) => this.freeShell(shell),
    padata_do_parallel: (shell: Ptr, job: Ptr, cpu: Ptr) => this.doParallel(shell, job, cpu),
    padata_do_serial: (job: Ptr) => this.doSerial(job),
  };

  private allocate(name: string): Ptr {
    const { k } = this;
    const type = k.struct('padata_instance');
    const instance = k.slab.allocateBytes(type.size, true);
    if (instance === 0) return 0;
    const queues = k.get(Workqueues);
    type.set(instance, 'parallel_wq', queues.create(`${name}_parallel`));
    type.set(instance, 'serial_wq', queues.create(`${name}_serial`));
    list.init(k.space, type.addr(instance, 'pslist'));
    for (const mask of ['pcpu', 'cbcpu']) {
      const member = `cpumask.${mask}`;
      if (type.member(member).size === 8) type.set(instance, member, k.symbol('__cpu_possible_mask'));
    }
    this.ktype ||= this.makeType();
    k.get(Kobjects).init(type.addr(instance, 'kobj'), this.ktype);
    type.set(instance, 'flags', PADATA_INIT);
    return instance;
  }

  /** padata_attr_type: an instance has a file for each mask of CPUs. */
  private makeType(): Ptr {
    const { k } = this;
    const instances = k.struct('padata_instance');
    const ktype = hostKtype(k, {
      name: 'padata_sysfs',
      release: (kobj: Ptr) => {
        const instance = instances.of(kobj, 'kobj');
        const queues = k.get(Workqueues);
        for (const queue of ['parallel_wq', 'serial_wq']) queues.dispose(instances.get(instance, queue));
        k.slab.free(instance);
      },
      show: (_kobj: Ptr, _attr: Ptr, page: Ptr) => {
        k.space.storeCstring(page, '1\n');
        return 2;
      },
    });
    const attribute = k.struct('attribute');
    const attributes = k.permanent(8 * (CPUMASKS.length + 1));
    CPUMASKS.forEach((name, i) => {
      const at = k.permanent(attribute.size);
      attribute.set(at, 'name', k.constantString(name));
      attribute.set(at, 'mode', 0o644);
      k.space.storePtr(attributes + 8 * i, at);
    });
    const group = k.permanent(k.sizeOf('attribute_group'));
    k.struct('attribute_group').set(group, 'attrs', attributes);
    const groups = k.permanent(16);
    k.space.storePtr(groups, group);
    k.struct('kobj_type').set(ktype, 'default_groups', groups);
    return ktype;
  }

  private allocateShell(instance: Ptr): Ptr {
    const { k } = this;
    const type = k.struct('padata_shell');
    const shell = k.slab.allocateBytes(type.size, true);
    if (shell === 0) return 0;
    type.set(shell, 'pinst', instance);
    const head = k.struct('padata_instance').addr(instance, 'pslist');
    list.add(k.space, type.addr(shell, 'list'), head);
    this.shells.set(shell, []);
    return shell;
  }

  private freeShell(shell: Ptr): void {
    if (shell === 0) return;
    list.del(this.k.space, this.k.struct('padata_shell').addr(shell, 'list'));
    this.shells.delete(shell);
    this.k.slab.free(shell);
  }

  private doParallel(shell: Ptr, job: Ptr, cpu: Ptr): number {
    const { k } = this;
    const instance = k.struct('padata_shell').get(shell, 'pinst');
    const flags = k.struct('padata_instance').get(instance, 'flags');
    if ((flags & PADATA_INIT) === 0) return -EINVAL;
    if (flags & PADATA_RESET) return -EBUSY;
    k.space.store32(cpu, 0);
    k.struct('padata_priv').set(job, 'cb_cpu', 0);
    this.shells.get(shell)?.push(job);
    this.shellOf.set(job, shell);
    this.queue(shell, job, 'parallel');
    return 0;
  }

  /** The jobs at the front that are done are finished, in order. */
  private doSerial(job: Ptr): void {
    const shell = this.shellOf.get(job);
    const jobs = shell === undefined ? undefined : this.shells.get(shell);
    if (shell === undefined || !jobs) return;
    this.done.add(job);
    while (jobs.length > 0 && this.done.has(jobs[0])) {
      const first = jobs.shift()!;
      this.done.delete(first);
      this.shellOf.delete(first);
      this.queue(shell, first, 'serial');
    }
  }

  private queue(shell: Ptr, job: Ptr, step: 'parallel' | 'serial'): void {
    const { k } = this;
    const type = k.struct('work_struct');
    const work = k.slab.allocateBytes(type.size, true);
    k.get(Workqueues).init(work, 0);
    type.bind(work, 'func', 'padata_worker', (at: Ptr) => this.work(at));
    this.steps.set(work, { job, step });
    const instance = k.struct('padata_shell').get(shell, 'pinst');
    k.get(Workqueues).queueWork(k.struct('padata_instance').get(instance, `${step}_wq`), work);
  }

  /** Both kinds of functions are called with softirqs off. */
  private *work(work: Ptr): Sleepable<void> {
    const { k } = this;
    const { job, step } = this.steps.get(work)!;
    this.steps.delete(work);
    k.slab.free(work);
    yield* k.wait<undefined>(k.get(BottomHalves).disable());
    yield* k.struct('padata_priv').call(job, step, job);
    yield* k.wait<undefined>(k.get(BottomHalves).enable());
  }
}
