import type { Ptr } from '../../../cpu/layout.js';
import type { AnyFunction } from '../../../kernel/abi/gate.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { runNow } from '../../../kernel/effects.js';
import type { LinuxKernel } from '../../kernel.js';
import { Buses } from './bus.js';
import { Drivers } from './driver.js';

/** Members of struct bus_type that the base kernel's own buses fill. */
const METHODS = ['match', 'uevent', 'probe', 'remove', 'shutdown', 'dma_configure', 'dma_cleanup'] as const;

export type BusMethods = { readonly [name in (typeof METHODS)[number]]?: AnyFunction };

/**
 * Fills and registers a bus that is built into the kernel: its struct bus_type is a variable of the target.
 * `symbols` gives the names of the methods where they are not `BUS_METHOD` (as symbol tables show them).
 */
export function registerBus(k: LinuxKernel, variable: string, name: string, methods: BusMethods): Ptr {
  const bus = k.symbol(variable);
  k.keep(variable);
  const type = k.struct('bus_type');
  type.set(bus, 'name', k.constantString(name));
  const prefix = variable.replace(/_bus_type$|_bus$/, '');
  for (const method of METHODS) {
    const fn = methods[method];
    if (fn && type.has(method)) type.bind(bus, method, `${prefix}_bus_${method}`, fn);
  }
  runNow(k.get(Buses).register(bus));
  return bus;
}

/** Registers a bus's kind of driver: fills what the bus knows of its struct device_driver. */
export function* registerOn(
  k: LinuxKernel,
  bus: Ptr,
  driver: Ptr,
  owner: Ptr,
  extra: { readonly name?: Ptr; readonly modName?: Ptr } = {},
): Sleepable<number> {
  const type = k.struct('device_driver');
  type.set(driver, 'bus', bus);
  type.set(driver, 'owner', owner);
  if (extra.name !== undefined) type.set(driver, 'name', extra.name);
  if (extra.modName !== undefined) type.set(driver, 'mod_name', extra.modName);
  return yield* k.get(Drivers).register(driver);
}

/** The entry of a table of struct `type` that names `text` in its `name` array; 0 if none does. */
export function tableEntry(k: LinuxKernel, type: string, table: Ptr, text: string): Ptr {
  const entry = k.struct(type);
  if (table === 0) return 0;
  for (let at = table; entry.text(at, 'name') !== ''; at += entry.size)
    if (entry.text(at, 'name') === text) return at;
  return 0;
}
