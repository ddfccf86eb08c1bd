import type { Ptr } from '../../cpu/layout.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { HZ } from './hz.js';
import { nsToSbt } from './sbintime.js';

/** Numbers that the kernel sets at boot (sys/kern/subr_param.c, init_main.c, kern_clock.c): what modules read of them. */
export class Param implements Subsystem {
  readonly exports = {
    __stack_chk_fail: (): never => this.k.panic('stack overflow detected; backtrace may be corrupted'),
  };

  readonly signatures = { __stack_chk_fail: 'v:' };

  constructor(private readonly k: FreebsdKernel) {}

  readonly data = {
    hz: (at: Ptr) => this.int(at, HZ),
    stathz: (at: Ptr) => this.int(at, 127),
    profhz: (at: Ptr) => this.int(at, 8126),
    tick: (at: Ptr) => this.int(at, 1_000_000 / HZ),
    tick_sbt: (at: Ptr) => this.k.space.store64(at, nsToSbt(1e9 / HZ)),
    tick_bt: (at: Ptr) => this.k.space.store64(at + 8, (1n << 64n) / BigInt(HZ)),
    tc_tick_sbt: (at: Ptr) => this.k.space.store64(at, nsToSbt(1e9 / HZ)),
    tc_precexp: (at: Ptr) => this.int(at, 5),
    ticks: (at: Ptr) => this.keepTicks(at),
    time_uptime: (at: Ptr) => this.keepSeconds(at, 1),
    time_second: (at: Ptr) => this.keepSeconds(at, this.bootSeconds + 1),
    bootverbose: (at: Ptr) => this.int(at, this.k.environment.get('boot_verbose') === undefined ? 0 : 1),
    boothowto: () => {},
    cold: (at: Ptr) => this.int(at, 0),
    mp_ncpus: (at: Ptr) => this.int(at, 1),
    mp_maxid: () => {},
    mp_maxcpus: (at: Ptr) => this.int(at, this.k.macro('MAXCPU')),
    mp_ncores: (at: Ptr) => this.int(at, 1),
    smp_started: (at: Ptr) => this.int(at, 1),
    smp_disabled: () => {},
    all_cpus: (at: Ptr) => this.k.space.store64(at, 1n),
    maxphys: (at: Ptr) => this.k.space.storeLong(at, 1024 * 1024),
    maxusers: (at: Ptr) => this.int(at, 384),
    maxproc: (at: Ptr) => this.int(at, 6164),
    maxfiles: (at: Ptr) => this.int(at, 12336),
    maxfilesperproc: (at: Ptr) => this.int(at, 11097),
    nbuf: (at: Ptr) => this.int(at, 4096),
    hibufspace: (at: Ptr) => this.k.space.storeLong(at, BUFSPACE - 10 * MAXBCACHEBUF),
    nmbclusters: (at: Ptr) => this.int(at, 30_000),
    vm_kmem_size: (at: Ptr) => this.k.space.storeLong(at, this.k.budget.limit),
    physmem: (at: Ptr) => this.k.space.storeLong(at, this.k.budget.limit / 4096),
    realmem: (at: Ptr) => this.k.space.storeLong(at, this.k.budget.limit / 4096),
    vm_guest: (at: Ptr) => this.int(at, 0),
    osreldate: (at: Ptr) => this.int(at, this.k.target.osreldate),
    ostype: (at: Ptr) => this.text(at, 'FreeBSD'),
    osrelease: (at: Ptr) => this.text(at, this.k.target.release),
    version: (at: Ptr) => this.text(at, `${this.k.target.version}\n`),
    kernelname: (at: Ptr) => this.text(at, '/boot/kernel/kernel'),
    machine: (at: Ptr) => this.text(at, 'amd64'),
    hostname: () => {},
    kdb_active: () => {},
    kdb_why: () => {},
    debugger_on_panic: () => {},
    rebooting: () => {},
    panicstr: () => {},
    dumping: () => {},
    scheduler_stopped: () => {},
    cpu_feature: (at: Ptr) => this.int(at, this.cpuid(1)[3]),
    cpu_feature2: (at: Ptr) => this.int(at, this.cpuid(1)[2]),
    cpu_stdext_feature: (at: Ptr) => this.int(at, this.cpuid(7)[1]),
    cpu_stdext_feature2: (at: Ptr) => this.int(at, this.cpuid(7)[2]),
    cpu_stdext_feature3: (at: Ptr) => this.int(at, this.cpuid(7)[3]),
    amd_feature: (at: Ptr) => this.int(at, this.cpuid(0x8000_0001)[3]),
    amd_feature2: (at: Ptr) => this.int(at, this.cpuid(0x8000_0001)[2]),
    // In units of eight bytes, as CPUID has it.
    cpu_clflush_line_size: (at: Ptr) => this.int(at, ((this.cpuid(1)[1] >>> 8) & 0xff) * 8),
    cpu_id: (at: Ptr) => this.int(at, this.cpuid(1)[0]),
    cpu_high: (at: Ptr) => this.int(at, this.cpuid(0)[0]),
    cpu_exthigh: (at: Ptr) => this.int(at, this.cpuid(0x8000_0000)[0]),
    cpu_procinfo: (at: Ptr) => this.int(at, this.cpuid(1)[1]),
    cpu_mon_mwait_flags: () => {},
    cpu_maxphyaddr: (at: Ptr) => this.int(at, 40),
    amd_rascap: () => {},
    cpu_power_ecx: () => {},
    cpu_power_eax: () => {},
    via_feature_xcrypt: () => {},
    via_feature_rng: () => {},
    pmc_hook: () => {},
    pmc_intr: () => {},
    nswbuf: (at: Ptr) => this.int(at, 256),
    vm_page_max_user_wired: () => {},
    vm_cnt: (at: Ptr) => this.k.struct('vmmeter').set(at, 'v_page_count', this.k.budget.limit / 4096),
    first_msi_irq: (at: Ptr) => this.int(at, 24),
    num_io_irqs: (at: Ptr) => this.int(at, 24),
    cpu_vendor: (at: Ptr) => this.text(at, 'AuthenticAMD'),
    cpu_vendor_id: (at: Ptr) => this.int(at, AMD_VENDOR),
    __stack_chk_guard: (at: Ptr) => {
      for (let i = 0; i < 8; i++) this.k.space.store64(at + 8 * i, this.k.random.next64());
    },
  };

  private get bootSeconds(): number {
    return Number(this.k.clock.bootTime / 1_000_000_000n);
  }

  private cpuid(leaf: number): readonly [number, number, number, number] {
    return this.k.platform.cpuid(leaf, 0);
  }

  private int(at: Ptr, value: number): void {
    this.k.space.store32(at, value);
  }

  private text(at: Ptr, text: string): void {
    this.k.space.storeCstring(at, text);
  }

  private keepTicks(at: Ptr): void {
    this.ticksAt = at;
    this.onTick();
  }

  private keepSeconds(at: Ptr, from: number): void {
    this.seconds.push({ at, from });
    this.onTick();
  }

  private ticksAt: Ptr = 0;
  private readonly seconds: { readonly at: Ptr; readonly from: number }[] = [];

  boot(): void {
    this.k.clock.onTick = () => this.onTick();
  }

  private onTick(): void {
    const { clock, space } = this.k;
    if (this.ticksAt !== 0)
      space.view.setUint32(this.ticksAt, Math.floor(clock.now / (1e9 / HZ)) >>> 0, true);
    for (const { at, from } of this.seconds)
      space.view.setBigInt64(at, BigInt(from + Math.floor(clock.now / 1e9)), true);
  }
}

/** Bytes of nbuf buffers (BKVASIZE, sys/sys/param.h), and the largest one (maxbcachebuf, sys/kern/vfs_bio.c). */
const BUFSPACE = 4096 * 16_384;
const MAXBCACHEBUF = 65_536;

/** CPU_VENDOR_AMD (sys/x86/include/specialreg.h and cputypes.h): the vendor's PCI id. */
const AMD_VENDOR = 0x1022;
