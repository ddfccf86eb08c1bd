import { describe, expect, it } from 'vitest';
import { loadBundled } from '../../target/node/index.js';
import { LinuxKernel } from '../kernel.js';
import { configured } from '../testing/configured.js';
import { guest } from '../testing/guest.js';
import { Preemption } from './preemption.js';

const modelOf = (cmdline: string, target = loadBundled()): string =>
  new LinuxKernel(target, { cmdline }).get(Preemption).model;

describe('the preemption model', () => {
  it('is the one that the kernel is configured for', () => {
    expect(modelOf('')).toBe('voluntary');
    const none = { CONFIG_PREEMPT_VOLUNTARY: undefined, CONFIG_PREEMPT_NONE: 'y' };
    expect(modelOf('', configured(none))).toBe('none');
    expect(modelOf('', configured({ CONFIG_PREEMPT_VOLUNTARY: undefined, CONFIG_PREEMPT: 'y' }))).toBe(
      'full',
    );
  });

  it.each(['none', 'voluntary', 'full'])('is %s where the command line says so', (model) => {
    const g = guest({ cmdline: `preempt=${model}` });
    expect(g.k.get(Preemption).model).toBe(model);
    expect(g.k.log.linesFrom(0).join()).toContain(`Dynamic Preempt: ${model}`);
    for (const name of ['none', 'voluntary', 'full'])
      expect(g.call[`preempt_model_${name}`]()).toBe(Number(name === model));
  });

  it('cannot be chosen where the kernel has it fixed, or has no such model', () => {
    expect(modelOf('preempt=full', configured({ CONFIG_PREEMPT_DYNAMIC: undefined }))).toBe('voluntary');
    expect(modelOf('preempt=sometimes')).toBe('voluntary');
  });

  it('takes the CPU from a task at a tick if it is full, unless preemption or interrupts are off', () => {
    const { k, run } = guest({ cmdline: 'preempt=full' });
    const preempts = (): boolean => k.traps.preemption.preempts(k.executor.current!);
    run(function* () {
      expect(preempts()).toBe(true);
      k.processes.preemptCount++;
      expect(preempts()).toBe(false);
      k.processes.preemptCount--;
      k.cpu.interruptsEnabled = false;
      expect(preempts()).toBe(false);
      k.cpu.interruptsEnabled = true;
      yield* [];
    });
  });

  it('without CONFIG_PREEMPT_COUNT counts no locks', () => {
    const g = guest({}, configured({ CONFIG_PREEMPT_COUNT: undefined }));
    const lock = g.k.slab.allocateBytes(8, true);
    g.call._raw_spin_lock(lock);
    g.run(function* () {
      expect(g.k.processes.preemptCount).toBe(0);
      yield* [];
    });
    g.call._raw_spin_unlock(lock);
  });
});
