import { beforeEach, describe, expect, it } from 'vitest';
import { PAGE_KERNEL_ROX } from '../../cpu/address-space.js';
import { loadBundled } from '../../target/node/index.js';
import { LinuxKernel } from '../kernel.js';
import { MODULES } from '../memory-map.js';
import { KernelFpu } from './fpu.js';
import { StaticCalls } from './static-call.js';

let k: LinuxKernel;

beforeEach(() => {
  k = new LinuxKernel(loadBundled());
});

describe('kernel_fpu_begin and kernel_fpu_end', () => {
  it('turn preemption off and on, and initialise MXCSR where it is asked for', () => {
    const { exports: fpu } = k.get(KernelFpu);
    const before = k.processes.preemptCount;
    k.cpu.mxcsr = 0x7fc0;
    fpu.kernel_fpu_begin_mask(0);
    expect(k.processes.preemptCount).toBe(before + 1);
    expect(k.cpu.mxcsr).toBe(0x7fc0);
    fpu.kernel_fpu_end();
    fpu.kernel_fpu_begin_mask(2);
    expect(k.cpu.mxcsr).toBe(0x1f80);
    fpu.kernel_fpu_end();
    expect(k.processes.preemptCount).toBe(before);
  });

  it('are for one at a time, and not for hard interrupts that came with softirqs off', () => {
    const { exports: fpu } = k.get(KernelFpu);
    expect(fpu.irq_fpu_usable()).toBe(true);
    fpu.kernel_fpu_begin_mask(2);
    expect(fpu.irq_fpu_usable()).toBe(false);
    fpu.kernel_fpu_end();
    k.processes.preemptCount = 0x1_0000;
    expect(fpu.irq_fpu_usable()).toBe(true);
    k.processes.preemptCount = 0x1_0200;
    expect(fpu.irq_fpu_usable()).toBe(false);
    k.processes.preemptCount = 0x200;
    expect(fpu.irq_fpu_usable()).toBe(true);
  });
});

describe('__static_call_update', () => {
  it('makes the trampoline jump to the function, or return', () => {
    const { space } = k;
    const trampoline = MODULES.start + 0x80_0000;
    space.map(trampoline, 4096, PAGE_KERNEL_ROX);
    const key = k.slab.allocateBytes(k.sizeOf('static_call_key'), true);
    const { exports } = k.get(StaticCalls);
    const bytes = (): number[] => [...space.bytes.slice(trampoline, trampoline + 5)];
    exports.__static_call_update(key, trampoline, trampoline + 0x105);
    expect(bytes()).toEqual([0xe9, 0x00, 0x01, 0, 0]);
    exports.__static_call_update(key, trampoline, trampoline - 0x0b);
    expect(bytes()).toEqual([0xe9, 0xf0, 0xff, 0xff, 0xff]);
    exports.__static_call_update(key, trampoline, 0);
    expect(bytes()[0]).toBe(0xc3);
    expect(k.struct('static_call_key').get(key, 'func')).toBe(0);
  });
});
