import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

/**
 * Concurrency Kit's epochs (sys/contrib/ck/src/ck_epoch.c), as linuxkpi's RCU is made of them: sections begin and end by inlined code, which
 * counts them in a record for each thread.
 */
export class CkEpochs implements Subsystem {
  private readonly records = new Map<Ptr, Ptr[]>();

  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    ck_epoch_init: (epoch: Ptr) => this.init(epoch),
    ck_epoch_register: (epoch: Ptr, record: Ptr, context: Ptr) => this.register(epoch, record, context),
    ck_epoch_unregister: (record: Ptr) => this.unregister(record),
    ck_epoch_synchronize_wait: (epoch: Ptr) => this.synchronize(epoch),
    ck_epoch_synchronize: (record: Ptr) =>
      this.synchronize(this.k.struct('ck_epoch_record').get(record, 'global')),
    // On one processor a section that began is over when its thread says so: there is nothing to count besides.
    _ck_epoch_addref: () => {},
    _ck_epoch_delref: () => true,
  };

  readonly signatures = {
    ck_epoch_init: 'v:p',
    ck_epoch_register: 'v:ppp',
    ck_epoch_unregister: 'v:p',
    ck_epoch_synchronize_wait: 'v:ppp',
    ck_epoch_synchronize: 'v:p',
    _ck_epoch_addref: 'v:pp',
    _ck_epoch_delref: 'b:pp',
  };

  private init(epoch: Ptr): void {
    const type = this.k.struct('ck_epoch');
    this.k.space.writable(epoch, type.size).fill(0);
    type.set(epoch, 'epoch', 1);
    this.records.set(epoch, []);
  }

  private register(epoch: Ptr, record: Ptr, context: Ptr): void {
    const type = this.k.struct('ck_epoch_record');
    this.k.space.writable(record, type.size).fill(0);
    type.set(record, 'global', epoch);
    if (type.has('ct')) type.set(record, 'ct', context);
    this.records.set(epoch, [...(this.records.get(epoch) ?? []), record]);
  }

  private unregister(record: Ptr): void {
    const epoch = this.k.struct('ck_epoch_record').get(record, 'global');
    this.records.set(
      epoch,
      (this.records.get(epoch) ?? []).filter((other) => other !== record),
    );
  }

  /** Waits until every section that is open now has ended. */
  private *synchronize(epoch: Ptr): Sleepable<void> {
    const type = this.k.struct('ck_epoch_record');
    const global = this.k.struct('ck_epoch');
    for (const record of this.records.get(epoch) ?? [])
      while (this.k.space.canRead(record, type.size) && type.get(record, 'active') > 0)
        yield { kind: 'yield' };
    global.set(epoch, 'epoch', (global.get(epoch, 'epoch') + 1) >>> 0);
  }
}
