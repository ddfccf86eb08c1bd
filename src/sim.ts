/** Devices by users: what a model of a device is written with. `Machine.plug` takes models. */
export type { Control, Device } from './hardware/device-core.js';
export { e1000, receiveFrame } from './hardware/models/e1000/e1000.js';
export { edu } from './hardware/models/edu.js';
export { i6300esb } from './hardware/models/i6300esb.js';
export type { BarSpec, PciHeader, PciId, PciInterrupts } from './hardware/pci/config-space.js';
export {
  type PciBar,
  type PciDevice,
  type PciInterrupt,
  type PciModel,
  type PciSpec,
  pci,
} from './hardware/pci/pci.js';
export type {
  LoggedAccess,
  Register,
  RegisterAccess,
  RegisterSpec,
  RegisterSpecs,
  Registers,
} from './hardware/registers.js';
export type { Dma } from './hardware/surroundings.js';
export { ms, seconds, us } from './hardware/time.js';
