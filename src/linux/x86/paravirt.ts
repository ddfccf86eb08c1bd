import type { Ptr } from '../../cpu/layout.js';
import { WRITE_PROTECT } from '../../kernel/pc/platform.js';
import { EIO } from '../errno.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { Once, warn } from '../warn.js';

/** RFLAGS.IF */
const X86_EFLAGS_IF = 0x200n;
/** Selector of the task state segment (GDT_ENTRY_TSS, arch/x86/include/asm/segment.h). */
const TSS_SELECTOR = 0x40n;

type Native = (member: string, signature: string, fn: (...args: never[]) => unknown) => void;

/**
 * pv_ops on bare metal: the table of native operations that inlined code calls through memory
 * (arch/x86/kernel/paravirt.c). Its functions change no register but RAX, as callee-save thunks promise.
 */
export class Paravirt implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly data = { pv_ops: (at: Ptr) => this.fill(at) };

  private fill(at: Ptr): void {
    const { k } = this;
    const type = k.struct('paravirt_patch_template');
    const native: Native = (member, signature, fn) => {
      const path = type.has(`${member}.func`) ? `${member}.func` : member;
      if (type.has(path))
        type.set(at, path, k.exports.hostFunction(`native_${member.split('.').pop()}`, signature, fn));
    };
    this.interrupts(native);
    this.processor(native);
    this.modelSpecificRegisters(native);
    this.memory(native);
    native('lock.queued_spin_unlock', 'v:p', (lock: Ptr) => k.space.store8(lock, 0));
    native('lock.vcpu_is_preempted', 'b:l', () => false);
  }

  private interrupts(native: Native): void {
    const { cpu } = this.k;
    native('irq.save_fl', 'Q:', () => (cpu.interruptsEnabled ? X86_EFLAGS_IF : 0n) | 2n);
    native('irq.irq_disable', 'v:', () => {
      cpu.interruptsEnabled = false;
    });
    native('irq.irq_enable', 'v:', () => {
      cpu.interruptsEnabled = true;
    });
    native('irq.safe_halt', 'v:', () => {});
    native('irq.halt', 'v:', () => {});
  }

  private processor(native: Native): void {
    const { platform, space } = this.k;
    native('cpu.io_delay', 'v:', () => {});
    native('cpu.wbinvd', 'v:', () => {});
    native('cpu.cpuid', 'v:pppp', (eax: Ptr, ebx: Ptr, ecx: Ptr, edx: Ptr) => {
      const result = platform.cpuid(space.load32(eax), space.load32(ecx));
      [eax, ebx, ecx, edx].forEach((slot, i) => {
        space.store32(slot, result[i] >>> 0);
      });
    });
    native('cpu.read_cr0', 'Q:', () => platform.readControl(0));
    native('cpu.write_cr0', 'v:Q', (value: bigint) => this.writeCr0(value));
    native('cpu.write_cr4', 'v:Q', (value: bigint) => void platform.writeControl(4, value));
    native('cpu.store_tr', 'Q:', () => TSS_SELECTOR);
    native('cpu.get_debugreg', 'Q:i', () => 0n);
  }

  /** native_write_cr0(): write protection is not given up by this way. */
  private writeCr0(value: bigint): void {
    const { k } = this;
    if ((value & WRITE_PROTECT) === 0n && this.once.first('WP'))
      warn(k, 'CR0 WP bit went missing!?', 'arch/x86/kernel/cpu/common.c:403', 'native_write_cr0');
    k.platform.writeControl(0, value | WRITE_PROTECT);
  }

  private readonly once = new Once();

  /** A register that there is not reads as zero and cannot be written; only the safe forms say so. */
  private modelSpecificRegisters(native: Native): void {
    const { platform, space } = this.k;
    const write = (register: number, low: number, high: number): boolean =>
      platform.wrmsr(register, (BigInt(high) << 32n) | BigInt(low));
    native('cpu.read_msr', 'Q:u', (register: number) => platform.rdmsr(register) ?? 0n);
    native('cpu.write_msr', 'v:uuu', (register: number, low: number, high: number) => {
      write(register, low, high);
    });
    native('cpu.read_msr_safe', 'Q:up', (register: number, error: Ptr) => {
      const value = platform.rdmsr(register);
      space.store32(error, value === undefined ? -EIO >>> 0 : 0);
      return value ?? 0n;
    });
    native('cpu.write_msr_safe', 'i:uuu', (register: number, low: number, high: number) =>
      write(register, low, high) ? 0 : -EIO,
    );
  }

  private memory(native: Native): void {
    const { platform } = this.k;
    native('mmu.read_cr2', 'Q:', () => platform.readControl(2));
    native('mmu.read_cr3', 'Q:', () => platform.readControl(3));
    native('mmu.flush_tlb_user', 'v:', () => {});
    native('mmu.flush_tlb_kernel', 'v:', () => {});
    native('mmu.flush_tlb_one_user', 'v:L', () => {});
    for (const level of ['pte', 'pmd', 'pud', 'p4d', 'pgd'])
      for (const member of [`${level}_val`, `make_${level}`])
        native(`mmu.${member}`, 'Q:Q', (value: bigint) => value);
  }
}
