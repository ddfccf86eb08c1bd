import type { I2cModel } from '../i2c/i2c-target.js';
import type { PciModel } from '../pci/pci.js';
import { adm1032 } from './adm1032.js';
import { at24c02 } from './at24.js';
import { bme280 } from './bme280.js';
import { ds1307 } from './ds1307.js';
import { e1000 } from './e1000/e1000.js';
import { edu } from './edu.js';
import { i6300esb } from './i6300esb.js';
import { lm75 } from './lm75.js';

/** A model that can be plugged into a machine. */
export type DeviceModel = PciModel<unknown> | I2cModel<unknown>;

/** The models that come with modbox, by their names. */
export const MODELS: ReadonlyMap<string, DeviceModel> = new Map(
  [adm1032, at24c02, bme280, ds1307, e1000, edu, i6300esb, lm75].map((model) => [model.name, model]),
);

const hex = (value: number, digits: number): string => value.toString(16).toUpperCase().padStart(digits, '0');

/** What a kernel would call the device of a model where it looks for its driver, Linux's MODALIAS. */
export function modaliasOf(model: DeviceModel): string {
  if (model.bus === 'i2c') return `i2c:${model.type}`;
  const { vendor, device, subvendor = 0, subdevice = 0, class: kind = 0 } = model.id;
  const [base, sub, interface_] = [kind >> 16, (kind >> 8) & 0xff, kind & 0xff].map((byte) => hex(byte, 2));
  return `pci:v${hex(vendor, 8)}d${hex(device, 8)}sv${hex(subvendor, 8)}sd${hex(subdevice, 8)}bc${base}sc${sub}i${interface_}`;
}

/** The models whose devices a driver with these aliases would be shown: patterns in which `*` stands for anything. */
export function modelsFor(aliases: readonly string[]): readonly string[] {
  const patterns = aliases.map(
    (alias) =>
      new RegExp(
        `^${alias
          .split('*')
          .map((part) => part.replace(/[\\^$.|?+()[\]{}]/g, '\\$&'))
          .join('.*')}$`,
      ),
  );
  return [...MODELS].flatMap(([name, model]) =>
    patterns.some((pattern) => pattern.test(modaliasOf(model))) ? [name] : [],
  );
}
