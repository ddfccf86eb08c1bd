import type { LinuxKernel } from './kernel.js';

/** Whether the virtual CPU has a feature (X86_FEATURE_*, a bit number in boot_cpu_data.x86_capability). */
export function hasCpuFeature(k: LinuxKernel, feature: number): boolean {
  const base = k.struct('cpuinfo_x86').addr(k.symbol('boot_cpu_data'), 'x86_capability');
  return (k.space.load32(base + (feature >> 5) * 4) & (1 << (feature & 31))) !== 0;
}
