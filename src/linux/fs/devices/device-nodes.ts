import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { runNow } from '../../../kernel/effects.js';
import { DeviceNode, DirectoryNode, MemoryDirectory } from '../../../kernel/files/index.js';
import { MAJOR, MINOR } from '../../abi/device-number.js';
import { NumberedDevices } from '../../drivers/base/device-nodes.js';
import { DeviceUevents } from '../../drivers/base/device-uevent.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';

/**
 * devtmpfs: the file system on /dev in which the kernel makes a node for every device that has a number
 * (drivers/base/devtmpfs.c). The driver core calls it when devices come and go.
 */
export class DeviceNodes implements Subsystem {
  readonly exports = {};
  readonly root = new MemoryDirectory(0o755);

  private readonly waiting = new Set<Ptr>();
  private readonly named = new Map<Ptr, string>();

  constructor(private readonly k: LinuxKernel) {}

  boot(): void {
    const devices = this.k.get(NumberedDevices);
    devices.listen({
      added: (device, number, isBlock) => this.added(device, number, isBlock),
      removed: (device, number) => this.removed(device, number),
    });
    for (const device of devices.devices())
      this.added(device, this.k.struct('device').get(device, 'devt'), false);
  }

  /** A device got its number. Its name may take a call of the driver: then kdevtmpfs asks. */
  private added(device: Ptr, number: number, isBlock: boolean): void {
    const work = this.make(device, number, isBlock);
    this.waiting.add(device);
    if (this.asksDriver(device)) this.k.processes.create('kdevtmpfs', work, { kernelThread: true });
    else runNow(work);
  }

  private removed(device: Ptr, number: number): void {
    this.waiting.delete(device);
    const name = this.named.get(device);
    this.named.delete(device);
    if (name !== undefined) this.deleteNode(name, number);
  }

  private *make(device: Ptr, number: number, isBlock: boolean): Sleepable<number> {
    if (!this.waiting.has(device)) return 0;
    const { name, mode } = yield* this.k.get(DeviceUevents).nodeName(device);
    if (!this.waiting.delete(device)) return 0;
    if (this.createNode(name, mode, number, isBlock) === 0) this.named.set(device, name);
    return 0;
  }

  private asksDriver(device: Ptr): boolean {
    const { k } = this;
    const type = k.struct('device');
    const kind = type.get(device, 'type');
    const group = type.get(device, 'class');
    const functions = [
      kind === 0 ? 0 : k.struct('device_type').get(kind, 'devnode'),
      group === 0 ? 0 : k.struct('class').get(group, 'devnode'),
    ];
    return functions.some((fn) => fn !== 0 && k.exports.functionAt(fn) === undefined);
  }

  /** Makes a node; `name` may have directories in it (`input/event0`), which are made as needed. */
  createNode(name: string, mode: number, device: number, isBlock: boolean): number {
    const { directory, last } = this.place(name);
    const permissions = (mode & 0o7777) === 0 ? 0o600 : mode & 0o7777;
    const kind = isBlock ? 'block' : 'character';
    const node = new DeviceNode(kind, permissions, MAJOR(device), MINOR(device));
    return this.k.files.numberOf(directory.insert(last, node));
  }

  /** Removes the node if it still is the one that was made for the device; empty directories go too. */
  deleteNode(name: string, device: number): void {
    const { directory, last } = this.place(name);
    const node = directory.lookup(last);
    if (!(node instanceof DeviceNode) || node.major !== MAJOR(device) || node.minor !== MINOR(device)) return;
    directory.remove(last);
    const parts = name.split('/');
    for (let depth = parts.length - 1; depth > 0; depth--) {
      const { directory: above, last: child } = this.place(parts.slice(0, depth).join('/'));
      const below = above.lookup(child);
      if (!(below instanceof DirectoryNode) || below.names().length > 0) break;
      above.remove(child);
    }
  }

  private place(name: string): { directory: MemoryDirectory; last: string } {
    const parts = name.split('/').filter((part) => part !== '');
    let directory = this.root;
    for (const part of parts.slice(0, -1)) directory = directory.subdirectory(part);
    return { directory, last: parts[parts.length - 1] };
  }
}
