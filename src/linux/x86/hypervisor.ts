import { constant } from '../../kernel/abi/fidelity.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

/** CPUID leaf with a hypervisor's vendor signature in EBX, ECX, EDX (arch/x86/include/asm/hypervisor.h). */
const VENDOR_LEAF = 0x4000_0000;
const KVM_SIGNATURE = 'KVMKVMKVM\0\0\0';
const HYPERV_SIGNATURE = 'Microsoft Hv';

/** Whose guest the kernel is, as the processor's CPUID says (arch/x86/kernel/cpu/hypervisor.c). */
export class HypervisorGuest implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    hv_is_hyperv_initialized: () => this.signature() === HYPERV_SIGNATURE,
    hv_is_isolation_supported: constant(false),
    kvm_para_available: () => this.signature() === KVM_SIGNATURE,
  };

  private signature(): string {
    const [, ...registers] = this.k.platform.cpuid(VENDOR_LEAF, 0);
    const bytes = registers.flatMap((word) => [0, 8, 16, 24].map((shift) => (word >>> shift) & 0xff));
    return String.fromCharCode(...bytes);
  }
}
