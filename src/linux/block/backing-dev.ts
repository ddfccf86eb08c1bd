import type { Ptr } from '../../cpu/layout.js';
import type { VarArgs } from '../../kernel/abi/convention.js';
import type { Sleepable } from '../../kernel/effects.js';
import { list } from '../abi/list.js';
import { Devices } from '../drivers/base/core.js';
import { createDevice } from '../drivers/base/host-class.js';
import { isErr, ptrErr } from '../errors.js';
import { registerClass } from '../fs/classes.js';
import type { LinuxKernel } from '../kernel.js';
import { Vsprintf } from '../lib/vsprintf/vsprintf.js';
import type { Subsystem } from '../subsystem.js';

/** Pages read ahead by default: VM_READAHEAD_PAGES, 128 KiB. */
const READAHEAD_PAGES = 32;
const LISTS = [
  'bdi_list',
  'wb_list',
  'wb.b_dirty',
  'wb.b_io',
  'wb.b_more_io',
  'wb.b_dirty_time',
  'wb.work_list',
];

/** struct backing_dev_info: what stands behind a file system or a disk (mm/backing-dev.c). */
export class BackingDevices implements Subsystem {
  private bdiClass: Ptr = 0;
  private nextId = 1;

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    bdi_alloc: (_node: number) => this.alloc(),
    bdi_register: (bdi: Ptr, format: Ptr, args: VarArgs) =>
      this.register(bdi, this.k.get(Vsprintf).text(format, args)),
    bdi_put: (bdi: Ptr) => this.put(bdi),
    bdi_unregister: (bdi: Ptr) => this.unregister(bdi),
    bdi_dev_name: (bdi: Ptr) => {
      const type = this.k.struct('backing_dev_info');
      return bdi === 0 || type.get(bdi, 'dev') === 0
        ? this.k.constantString('(unknown)')
        : type.addr(bdi, 'dev_name');
    },
  };

  readonly data = {
    noop_backing_dev_info: (at: Ptr) => this.init(at),
  };

  alloc(): Ptr {
    const bdi = this.k.slab.allocateBytes(this.k.sizeOf('backing_dev_info'), true);
    if (bdi !== 0) this.init(bdi);
    return bdi;
  }

  /** Makes the device `bdi/NAME` that user space tunes it by. */
  *register(bdi: Ptr, name: string): Sleepable<number> {
    const { k } = this;
    const type = k.struct('backing_dev_info');
    if (type.get(bdi, 'dev') !== 0) return 0;
    type.setText(bdi, 'dev_name', name);
    if (this.bdiClass === 0) this.bdiClass = yield* registerClass(k, 'bdi');
    const device = yield* createDevice(k, this.bdiClass, {
      parent: 0,
      data: bdi,
      name: type.text(bdi, 'dev_name'),
    });
    if (isErr(device)) return ptrErr(device);
    type.set(bdi, 'dev', device);
    type.set(bdi, 'id', this.nextId++);
    return 0;
  }

  *unregister(bdi: Ptr): Sleepable<void> {
    const { k } = this;
    const type = k.struct('backing_dev_info');
    const device = type.get(bdi, 'dev');
    if (device === 0) return;
    yield* k.get(Devices).unregister(device);
    type.set(bdi, 'dev', 0);
  }

  *put(bdi: Ptr): Sleepable<void> {
    const { k } = this;
    const type = k.struct('backing_dev_info');
    const references = type.get(bdi, 'refcnt.refcount.refs.counter') - 1;
    type.set(bdi, 'refcnt.refcount.refs.counter', references);
    if (references > 0) return;
    yield* this.unregister(bdi);
    k.slab.free(bdi);
  }

  private init(bdi: Ptr): void {
    const { k } = this;
    const type = k.struct('backing_dev_info');
    type.set(bdi, 'refcnt.refcount.refs.counter', 1);
    type.set(bdi, 'max_ratio', 100);
    type.set(bdi, 'ra_pages', READAHEAD_PAGES);
    type.set(bdi, 'io_pages', READAHEAD_PAGES);
    type.set(bdi, 'wb.bdi', bdi);
    for (const path of LISTS) if (type.has(path)) list.init(k.space, type.addr(bdi, path));
    if (type.has('wb_waitq')) list.init(k.space, type.addr(bdi, 'wb_waitq.head'));
  }
}
