import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import type { Device } from './device.js';
import { Kobj } from './kobj.js';
import { withScratch } from './scratch.js';

/** Bytes that a bus may say of where a child is. */
const MOST = 1024;

/** What a bus says of its children, in the words of devctl(4): where one is, and what it says of itself. */
export class DeviceNames implements Subsystem {
  readonly exports = {};

  constructor(private readonly k: FreebsdKernel) {}

  location(device: Device): Sleepable<string> {
    return this.ask(device, 'bus_child_location');
  }

  pnpinfo(device: Device): Sleepable<string> {
    return this.ask(device, 'bus_child_pnpinfo');
  }

  private *ask(device: Device, method: string): Sleepable<string> {
    const { k } = this;
    const { parent } = device;
    if (!parent) return '';
    const type = k.struct('sbuf');
    return yield* withScratch(k, type.size + MOST, function* (sbuf: Ptr) {
      type.set(sbuf, 's_buf', sbuf + type.size);
      type.set(sbuf, 's_size', MOST);
      yield* k.get(Kobj).call(parent.at, method, device.at, sbuf);
      return k.space.cstring(sbuf + type.size, type.get(sbuf, 's_len'));
    });
  }
}
