import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { Sysctls } from '../kern/sysctl.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { BusTree } from './bus-tree.js';
import type { Devclass, Device } from './device.js';
import { DeviceAttach, type DeviceEvent } from './device-attach.js';
import { DeviceNames } from './device-names.js';
import { Kobj } from './kobj.js';
import { asKernel } from './own.js';

/** What every device has below dev.NAME.UNIT: name and description, in the order of the handler's numbers. */
const NODES: readonly (readonly [name: string, description: string])[] = [
  ['%desc', 'device description'],
  ['%driver', 'device driver name'],
  ['%location', 'device location relative to parent'],
  ['%pnpinfo', 'device identification'],
  ['%parent', 'parent device'],
];

/** The sysctl nodes of devices: dev.NAME.UNIT (device_sysctl_init() and its kin of sys/kern/subr_bus.c). */
export class DeviceSysctls implements Subsystem {
  private readonly tree: BusTree;

  constructor(private readonly k: FreebsdKernel) {
    this.tree = k.get(BusTree);
  }

  readonly exports = {
    device_get_sysctl_ctx: (dev: Ptr) => this.tree.at(dev).sysctlContext,
    device_get_sysctl_tree: (dev: Ptr) => this.tree.at(dev).sysctlTree,
    devclass_get_sysctl_ctx: (devclass: Ptr) => this.tree.classAt(devclass).sysctlContext,
    devclass_get_sysctl_tree: (devclass: Ptr) => this.tree.classAt(devclass).sysctlTree,
  };

  boot(): void {
    this.k.get(DeviceAttach).listen((event) => this.follow(event));
  }

  private *follow({ device, what }: DeviceEvent): Sleepable<void> {
    if (what === 'attaching') yield* this.add(device);
    if (what === 'not-attached' || what === 'gone') yield* this.remove(device);
  }

  /** Nodes of a device that no driver brought: buses of the kernel's own. */
  *add(device: Device): Sleepable<void> {
    const { k } = this;
    const { devclass } = device;
    if (device.sysctlTree !== 0 || !devclass) return;
    const sysctls = k.get(Sysctls);
    yield* asKernel(k, this.addClass(devclass));
    sysctls.exports.sysctl_ctx_init(device.sysctlContext);
    const unit = device.nameunit.slice(devclass.name.length);
    device.sysctlTree = yield* this.node(
      device.sysctlContext,
      sysctls.tree.listOf(devclass.sysctlTree),
      unit,
      'device_index',
    );
    for (const [i, [name, description]] of NODES.entries())
      yield* this.string(device.sysctlContext, device.sysctlTree, name, description, device.at, i);
  }

  private *addClass(devclass: Devclass): Sleepable<void> {
    if (devclass.sysctlTree !== 0) return;
    const sysctls = this.k.get(Sysctls);
    sysctls.exports.sysctl_ctx_init(devclass.sysctlContext);
    const top = sysctls.tree.listOf(this.k.exported('sysctl___dev') ?? 0);
    devclass.sysctlTree = yield* this.node(devclass.sysctlContext, top, devclass.name, '');
    yield* this.string(
      devclass.sysctlContext,
      devclass.sysctlTree,
      '%parent',
      'parent class',
      devclass.handle,
      CLASS_PARENT,
    );
  }

  private *node(context: Ptr, list: Ptr, name: string, description: string): Sleepable<Ptr> {
    const { k } = this;
    const kind = k.macro('CTLTYPE_NODE') | k.macro('CTLFLAG_RD') | k.macro('CTLFLAG_MPSAFE');
    const [text, about] = [k.constantString(name), k.constantString(description)];
    const auto = k.macro('OID_AUTO');
    return yield* k.wait(
      k
        .get(Sysctls)
        .exports.sysctl_add_oid(context, list, auto, text, kind, 0, 0n, 0, k.constantString('N'), about, 0),
    );
  }

  private *string(
    context: Ptr,
    tree: Ptr,
    name: string,
    description: string,
    arg: Ptr,
    which: number,
  ): Sleepable<void> {
    const { k } = this;
    const kind = k.macro('CTLTYPE_STRING') | k.macro('CTLFLAG_RD') | k.macro('CTLFLAG_MPSAFE');
    const [text, about] = [k.constantString(name), k.constantString(description)];
    const sysctls = k.get(Sysctls);
    yield* k.wait(
      sysctls.exports.sysctl_add_oid(
        context,
        sysctls.tree.listOf(tree),
        k.macro('OID_AUTO'),
        text,
        kind,
        arg,
        BigInt(which),
        this.handler,
        k.constantString('A'),
        about,
        0,
      ),
    );
  }

  private get handler(): Ptr {
    return this.k.exports.hostFunction('device_sysctl_handler', 'i:ppqp', (_oid, arg1, which, req) =>
      this.handle(arg1, Number(which), req),
    );
  }

  private *handle(arg1: Ptr, which: number, req: Ptr): Sleepable<number> {
    const text =
      which === CLASS_PARENT ? this.classParent(arg1) : yield* this.text(this.tree.at(arg1), which);
    return yield* this.k.get(Sysctls).out(req, new TextEncoder().encode(`${text}\0`));
  }

  private classParent(devclass: Ptr): string {
    return this.tree.classAt(devclass).parent?.name ?? '';
  }

  private *text(device: Device, which: number): Sleepable<string> {
    const { k } = this;
    switch (NODES[which]?.[0]) {
      case '%desc':
        return device.desc === 0 ? '' : k.space.cstring(device.desc);
      case '%driver':
        return device.driver === 0 ? '' : k.get(Kobj).nameOf(device.driver);
      case '%location':
        return yield* k.get(DeviceNames).location(device);
      case '%pnpinfo':
        return yield* k.get(DeviceNames).pnpinfo(device);
      default:
        return device.parent?.nameunit ?? '';
    }
  }

  private *remove(device: Device): Sleepable<void> {
    if (device.sysctlTree === 0) return;
    yield* this.k.wait(this.k.get(Sysctls).exports.sysctl_ctx_free(device.sysctlContext));
    device.sysctlTree = 0;
  }
}

/** The handler's number for dev.NAME.%parent. */
const CLASS_PARENT = 100;
