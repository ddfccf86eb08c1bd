import type { Ptr } from '../../cpu/layout.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

/** RFLAGS.IF */
const X86_EFLAGS_IF = 0x200n;

/**
 * pv_ops on bare metal: the table of native operations that inlined code calls through memory
 * (arch/x86/kernel/paravirt.c). Its functions change no register but RAX, as callee-save thunks promise.
 */
export class Paravirt implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly data = { pv_ops: (at: Ptr) => this.fill(at) };

  private fill(at: Ptr): void {
    const { k } = this;
    const { cpu } = k;
    const native = (member: string, signature: string, fn: (...args: never[]) => unknown): void => {
      const type = k.struct('paravirt_patch_template');
      const path = type.has(`${member}.func`) ? `${member}.func` : member;
      if (type.has(path))
        type.set(at, path, k.exports.hostFunction(`native_${member.split('.').pop()}`, signature, fn));
    };
    native('irq.save_fl', 'Q:', () => (cpu.interruptsEnabled ? X86_EFLAGS_IF : 0n) | 2n);
    native('irq.irq_disable', 'v:', () => {
      cpu.interruptsEnabled = false;
    });
    native('irq.irq_enable', 'v:', () => {
      cpu.interruptsEnabled = true;
    });
    native('irq.safe_halt', 'v:', () => {});
    native('cpu.io_delay', 'v:', () => {});
    native('cpu.cpuid', 'v:pppp', (eax: Ptr, ebx: Ptr, ecx: Ptr, edx: Ptr) => {
      const { space } = k;
      const result = k.platform.cpuid(space.load32(eax), space.load32(ecx));
      [eax, ebx, ecx, edx].forEach((slot, i) => {
        space.store32(slot, result[i] >>> 0);
      });
    });
    native('mmu.flush_tlb_user', 'v:', () => {});
    native('mmu.flush_tlb_kernel', 'v:', () => {});
    native('mmu.flush_tlb_one_user', 'v:L', () => {});
    for (const member of [
      'pte_val',
      'make_pte',
      'pgd_val',
      'make_pgd',
      'pmd_val',
      'make_pmd',
      'pud_val',
      'make_pud',
      'p4d_val',
      'make_p4d',
    ])
      native(`mmu.${member}`, 'Q:Q', (value: bigint) => value);
    native('lock.queued_spin_unlock', 'v:p', (lock: Ptr) => k.space.store8(lock, 0));
    native('lock.vcpu_is_preempted', 'b:l', () => false);
  }
}
