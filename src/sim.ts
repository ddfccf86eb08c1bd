/** Devices by users: what a model of a device is written with. `Machine.plug` takes models. */
export type { Control, Device } from './hardware/device-core.js';
export { type I2cChip, type I2cSpec, i2c } from './hardware/i2c/i2c.js';
export { type I2cRawChip, type I2cRawSpec, i2cRaw } from './hardware/i2c/i2c-raw.js';
export type { I2cModel } from './hardware/i2c/i2c-target.js';
export { adm1032 } from './hardware/models/adm1032.js';
export { at24c02 } from './hardware/models/at24.js';
export { bme280 } from './hardware/models/bme280.js';
export { ds1307 } from './hardware/models/ds1307.js';
export { e1000, receiveFrame } from './hardware/models/e1000/e1000.js';
export { edu } from './hardware/models/edu.js';
export { i6300esb } from './hardware/models/i6300esb.js';
export { lm75 } from './hardware/models/lm75.js';
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
