import type { Thunk } from '../../cpu/cpu-types.js';
import type { Ptr } from '../../cpu/layout.js';
import { constant } from '../../kernel/abi/fidelity.js';
import { BRAND } from '../../kernel/pc/features.js';
import { hasCpuFeature } from '../cpu-features.js';
import type { LinuxKernel } from '../kernel.js';
import { PAGE_OFFSET, VMALLOC_BASE, VMEMMAP_BASE } from '../memory-map.js';
import type { Subsystem } from '../subsystem.js';
import { CAPABILITY_WORDS } from './capability-words.js';

/** Supervisor mode access prevention (arch/x86/include/asm/cpufeatures.h). */
const X86_FEATURE_SMAP = 9 * 32 + 20;

/** Register numbers in the names of the indirect-branch thunks. */
const REGISTERS = [
  'rax',
  'rcx',
  'rdx',
  'rbx',
  'rsp',
  'rbp',
  'rsi',
  'rdi',
  'r8',
  'r9',
  'r10',
  'r11',
  'r12',
  'r13',
  'r14',
  'r15',
];
/** Functions after whose call the compiler emits no code of the caller. */
const NO_RETURN = [
  '__stack_chk_fail',
  'fortify_panic',
  'panic',
  'make_task_dead',
  'do_exit',
  '__module_put_and_kthread_exit',
  'kthread_complete_and_exit',
  'kthread_exit',
  '__ubsan_handle_builtin_unreachable',
  'machine_real_restart',
  'rewind_stack_and_make_dead',
  'usercopy_abort',
];
const ADDRESS_BITS_PHYSICAL = 40;
/** Numbers of struct cpuinfo_x86 that agree with CPUID; which of them there are differs between kernels. */
const CPU_NUMBERS: readonly (readonly [member: string, value: number])[] = [
  ['x86', 15],
  ['x86_model', 107],
  ['x86_stepping', 1],
  ['x86_vendor', 2],
  ['cpuid_level', 13],
  ['x86_virt_bits', 48],
  ['x86_phys_bits', ADDRESS_BITS_PHYSICAL],
  ['x86_clflush_size', 64],
  ['x86_cache_alignment', 64],
  ['x86_max_cores', 1],
  ['loops_per_jiffy', 10_384_560],
];

/** The processor: feature words, per-CPU basics, memory layout variables, branch thunks. */
export class X86Cpu implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    x86_match_cpu: (table: Ptr) => this.match(table),
    cc_platform_has: constant(false),
    cc_mkdec: (value: bigint) => value,
    cpu_has_xfeatures: (features: bigint, missing: Ptr) => {
      if (missing !== 0) this.k.space.storePtr(missing, 0);
      return (features & ~7n) === 0n;
    },
    cpu_mitigations_off: constant(false),
  };

  readonly signatures = {
    cc_platform_has: 'b:i',
    cc_mkdec: 'Q:Q',
    cpu_has_xfeatures: 'i:Qp',
  };

  readonly data = {
    boot_cpu_data: (at: Ptr) => this.fillCpuData(at),
    cpu_info: (at: Ptr) => this.fillCpuData(at),
    phys_base: (at: Ptr) => this.k.space.store64(at, 0n),
    page_offset_base: (at: Ptr) => this.k.space.store64(at, PAGE_OFFSET),
    vmemmap_base: (at: Ptr) => this.k.space.store64(at, VMEMMAP_BASE),
    vmalloc_base: (at: Ptr) => this.k.space.store64(at, VMALLOC_BASE),
    physical_mask: (at: Ptr) => this.k.space.store64(at, (1n << BigInt(ADDRESS_BITS_PHYSICAL)) - 1n),
    __default_kernel_pte_mask: (at: Ptr) => this.k.space.store64(at, ~0n & 0xffff_ffff_ffff_ffffn),
    __supported_pte_mask: (at: Ptr) => this.k.space.store64(at, ~0n & 0xffff_ffff_ffff_ffffn),
    nr_cpu_ids: (at: Ptr) => this.k.space.store32(at, 1),
    nr_node_ids: (at: Ptr) => this.k.space.store32(at, 1),
    __num_online_cpus: (at: Ptr) => this.k.space.store32(at, 1),
    __cpu_online_mask: (at: Ptr) => this.k.space.store8(at, 1),
    __cpu_possible_mask: (at: Ptr) => this.k.space.store8(at, 1),
    __cpu_present_mask: (at: Ptr) => this.k.space.store8(at, 1),
    __cpu_active_mask: (at: Ptr) => this.k.space.store8(at, 1),
    cpu_bit_bitmap: (at: Ptr) => this.fillCpuBits(at),
    __per_cpu_offset: (at: Ptr) => this.k.space.storePtr(at, this.k.percpu.base),
    this_cpu_off: (at: Ptr) => this.k.space.storePtr(at, this.k.percpu.base),
    cpu_khz: (at: Ptr) => this.k.space.store32(at, 2_596_000),
    tsc_khz: (at: Ptr) => this.k.space.store32(at, 2_596_000),
    loops_per_jiffy: (at: Ptr) => this.k.space.storeLong(at, 10_384_560),
    empty_zero_page: () => {},
  };

  boot(): void {
    const { k } = this;
    REGISTERS.forEach((name, register) => {
      this.thunk(`__x86_indirect_thunk_${name}`, { kind: 'indirect', register });
    });
    this.thunk('__x86_return_thunk', { kind: 'return' });
    for (const name of ['__fentry__', 'zen_untrain_ret', 'entry_untrain_ret', 'srso_untrain_ret'])
      this.thunk(name, { kind: 'nothing' });
    for (const name of NO_RETURN) if (k.hasSymbol(name)) k.cpu.setNoReturn(k.symbol(name));
    this.stackCanary();
    k.space.user.protected = hasCpuFeature(k, X86_FEATURE_SMAP);
  }

  private thunk(name: string, thunk: Thunk): void {
    const { k } = this;
    if (!k.hasSymbol(name)) return;
    k.exports.reserve(name);
    k.cpu.setThunk(k.symbol(name), thunk);
  }

  /** The stack protector's value, at gs:40 (fixed_percpu_data). */
  private stackCanary(): void {
    const at = this.k.struct('fixed_percpu_data').offsetOf('stack_canary');
    this.k.space.store64(this.k.fixedPerCpu + at, this.k.random.next64() & ~0xffn);
  }

  private fillCpuData(at: Ptr): void {
    const { space } = this.k;
    const type = this.k.struct('cpuinfo_x86');
    const capability = type.addr(at, 'x86_capability');
    for (const { word, bits } of CAPABILITY_WORDS) {
      const slot = capability + word * 4;
      for (const bit of bits) space.store32(slot, (space.load32(slot) | (1 << bit)) >>> 0);
    }
    for (const [member, value] of CPU_NUMBERS) if (type.has(member)) type.set(at, member, value);
    type.setText(at, 'x86_vendor_id', 'AuthenticAMD');
    type.setText(at, 'x86_model_id', BRAND);
  }

  /** cpu_bit_bitmap[n]: a mask with bit n - 1 set in the first word (get_cpu_mask). */
  private fillCpuBits(at: Ptr): void {
    const words = Math.ceil(Number(this.k.target.config.get('CONFIG_NR_CPUS') ?? '64') / 64);
    for (let bit = 0; bit < 64; bit++) this.k.space.store64(at + (bit + 1) * words * 8, 1n << BigInt(bit));
  }

  /** x86_match_cpu(): the first entry of a table, ended by a zero vendor, that describes this CPU. */
  private match(table: Ptr): Ptr {
    const { k } = this;
    const id = k.struct('x86_cpu_id');
    const cpu = k.struct('cpuinfo_x86');
    const own = k.symbol('boot_cpu_data');
    const ANY_FAMILY = 0;
    const ANY_VENDOR = 0xffff;
    for (let at = table; ; at += id.size) {
      const vendor = id.get(at, 'vendor');
      const family = id.get(at, 'family');
      const model = id.get(at, 'model');
      const steppings = id.get(at, 'steppings');
      const feature = id.get(at, 'feature');
      const valid = id.has('flags') ? id.get(at, 'flags') & 1 : vendor | family | model | steppings | feature;
      if (!valid) return 0;
      if (vendor !== ANY_VENDOR && vendor !== cpu.get(own, 'x86_vendor')) continue;
      if (family !== ANY_FAMILY && family !== cpu.get(own, 'x86')) continue;
      if (model !== 0 && model !== cpu.get(own, 'x86_model')) continue;
      if (steppings !== 0 && (steppings & (1 << cpu.get(own, 'x86_stepping'))) === 0) continue;
      if (feature !== 0 && !hasCpuFeature(k, feature)) continue;
      return at;
    }
  }
}
