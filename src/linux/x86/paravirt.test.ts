import { beforeAll, describe, expect, it } from 'vitest';
import { debianRun } from '../../machine/linux/testing/debian-run.js';
import { loadBundled } from '../../target/node/index.js';
import { LinuxKernel } from '../kernel.js';

const EFER = 0xc000_0080;
const UNKNOWN = 0xc001_0114;

describe('model-specific registers', () => {
  let k: LinuxKernel;
  beforeAll(() => {
    k = new LinuxKernel(loadBundled());
  });

  it('keep what is written to those there are; others read as zero, as QEMU has it', () => {
    expect(k.platform.rdmsr(EFER)).toBe(0xd01n);
    expect(k.platform.wrmsr(EFER, 0x1d01n)).toBe(true);
    expect(k.platform.rdmsr(EFER)).toBe(0x1d01n);
    expect(k.platform.wrmsr(UNKNOWN, 5n)).toBe(true);
    expect(k.platform.rdmsr(UNKNOWN)).toBe(0n);
  });

  it('one node with memory and a CPU, one thread a core', () => {
    const bytes = k.sizeOf('nodemask_t');
    const states = k.symbol('node_states');
    for (const state of ['N_ONLINE', 'N_MEMORY', 'N_CPU'])
      expect(k.space.load64(states + k.enumValue(state) * bytes)).toBe(1n);
    expect(k.space.load64(k.space.loadPtr(k.percpuSymbol('cpu_sibling_map')))).toBe(1n);
  });
});

/** As Debian's 6.1 logged it on QEMU's CPU "max". */
const KVM_AMD = [
  'kvm: Nested Virtualization enabled',
  'SVM: kvm: Nested Paging enabled',
  'SVM: Virtual GIF supported',
  'SVM: PMU virtualization is disabled',
];

describe('modules that use the processor’s privileged registers', () => {
  it('a hypervisor sets itself up and takes itself away', async ({ skip }) => {
    const report = await debianRun('kvm-amd');
    if (!report) return skip('needs the kernel package');
    expect(report.faults).toEqual([]);
    expect(report.dmesg).toEqual(KVM_AMD);
    expect(report.modules.find(({ name }) => name === 'kvm_amd')).toMatchObject({ size: 163840, refcnt: 0 });
    expect(report.remove).toMatchObject({ exit: 0, rmmod: ['kvm_amd', 'kvm', 'ccp'] });
  }, 60_000);

  it('a driver that asks for the topology loads', async ({ skip }) => {
    const report = await debianRun('hfi1');
    if (!report) return skip('needs the kernel package');
    expect(report.faults).toEqual([]);
    expect(report.modprobe.exit).toBe(0);
  }, 60_000);
});
