import { describe, expect, it } from 'vitest';
import { machineWith, shell } from '../../acceptance/testing/machines.js';
import type { Machine } from '../../machine/linux/machine.js';
import { Modules } from '../kallsyms/modules.js';
import { symbolize } from '../kallsyms/symbolize.js';
import { Notifiers } from '../locking/notifier.js';
import { parametersOf } from './parse-args.js';

/** A machine in which the variable of every parameter of a module that comes is at that address. */
function withVariablesAt(variable: bigint): Machine {
  const machine = machineWith(['hello']);
  const { kernel: k } = machine;
  const type = k.struct('notifier_block');
  const block = k.slab.allocateBytes(type.size, true);
  type.bind(block, 'notifier_call', 'test_coming', () => {
    const bytes = new Uint8Array(new BigUint64Array([variable]).buffer);
    for (const module of k.get(Modules).list())
      for (const { address } of parametersOf(k, module))
        k.space.patch(k.struct('kernel_param').addr(address, 'arg'), bytes);
    return 0;
  });
  k.get(Notifiers).register(k.symbol('module_notify_list'), block);
  return machine;
}

describe('a set function of the kernel’s own', () => {
  it('that crashes takes the loader with it, and the module stays on its way in', () => {
    const machine = withVariablesAt(8n);
    const { kernel: k } = machine;
    shell(machine, 'insmod /mods/hello.ko count=3');
    const [report] = k.traps.reports;
    expect(report).toMatchObject({ kind: 'null-dereference', at: expect.stringMatching(/^param_set_int\+/) });
    expect(k.get(Modules).find('hello')?.state).toBe('Loading');
  });

  it('that refuses its value undoes the load', () => {
    const machine = machineWith(['hello']);
    shell(machine, 'insmod /mods/hello.ko count=x');
    expect(machine.kernel.traps.reports).toEqual([]);
    expect(machine.kernel.get(Modules).find('hello')).toBeUndefined();
  });

  it('has asked for what it allocates itself', () => {
    const machine = machineWith(['hello']);
    const { kernel: k } = machine;
    shell(machine, 'insmod /mods/hello.ko whom=everybody');
    const module = k.get(Modules).find('hello')!;
    const { address } = parametersOf(k, module).find(({ name }) => name === 'whom')!;
    const copy = k.space.loadPtr(k.struct('kernel_param').get(address, 'arg'));
    expect(k.space.cstring(copy)).toBe('everybody');
    expect(symbolize(k, k.ledger.get(copy)!.caller)).toMatch(/^param_set_charp\+/);
  });
});
