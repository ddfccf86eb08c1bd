import type { Ptr } from '../../../cpu/layout.js';
import { changeBit, testBit } from '../../abi/bit-ops.js';
import type { LinuxKernel } from '../../kernel.js';

/** A bit of a device's `state` (enum netdev_state_t). */
export function linkState(k: LinuxKernel, dev: Ptr, bit: string): boolean {
  return testBit(k.space, k.struct('net_device').addr(dev, 'state'), k.enumValue(bit));
}

export function setLinkState(k: LinuxKernel, dev: Ptr, bit: string, on: boolean): void {
  changeBit(k.space, k.struct('net_device').addr(dev, 'state'), k.enumValue(bit), on);
}
