import { Machine } from '../../src/machine/linux/machine.js';
import * as sim from '../../src/sim.js';
import type { Bench } from './i2c-binding.js';

/** A model that comes with modbox, and the drivers that bind to it. */
export interface ModelBinding {
  readonly model: string;
  readonly bus: string;
  readonly modules: readonly string[];
  readonly driver: string | undefined;
}

type Model = Parameters<Machine['plug']>[0];

/** What modbox/sim exports besides functions. */
function models(): Model[] {
  return Object.values(sim as Readonly<Record<string, unknown>>).filter(
    (one): one is Model => typeof one === 'object' && one !== null && 'bus' in one && 'create' in one,
  );
}

/** Plugs each model in, and loads what its modalias asks for. */
export function bindModels({ target, files }: Bench): ModelBinding[] {
  return models().map((model) => {
    const machine = Machine.boot({ target, files });
    const device = machine.plug<unknown>(model);
    machine.exec(
      `cat /sys/bus/${model.bus}/devices/*/modalias | sort -u | while read a; do modprobe -q -- $a; done`,
    );
    const driver = machine.driverOf(device);
    const modules = machine.lsmod().map(({ name }) => name);
    machine.release();
    return { model: model.name, bus: model.bus, modules, driver };
  });
}
