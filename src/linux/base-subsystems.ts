import { CpuHotplug } from './core/cpu-hotplug.js';
import { JumpLabels } from './core/jump-label.js';
import { DeferredStaticKeys } from './core/jump-label-deferred.js';
import { Padata } from './core/padata.js';
import { PerfEvents } from './core/perf.js';
import { Ftrace } from './core/probes/ftrace.js';
import { Kprobes } from './core/probes/kprobes.js';
import { Kretprobes } from './core/probes/kretprobes.js';
import { ProbePoints } from './core/probes/probe-points.js';
import { PvClockGtod } from './core/pvclock-gtod.js';
import { EventChains } from './core/reboot.js';
import { CrossCalls } from './core/smp.js';
import { Softirqs } from './core/softirq.js';
import { StackProtector } from './core/stack-protector.js';
import { SystemState } from './core/system-state.js';
import { TraceArrays } from './core/trace-arrays.js';
import { TraceEvents } from './core/trace-events.js';
import { UserModeHelpers } from './core/umh.js';
import { UtsNamespaces } from './core/uts.js';
import { ManagedInterrupts } from './drivers/base/irq-devres.js';
import { FailFunction } from './injection/fail-function.js';
import { IrqAffinity } from './irq/affinity.js';
import { IrqChips } from './irq/chip.js';
import { CpuRmaps } from './irq/cpu-rmap.js';
import { IrqHandling } from './irq/handle.js';
import { IrqDescs } from './irq/irq-desc.js';
import { IrqWorks } from './irq/irq-work.js';
import { Interrupts } from './irq/manage.js';
import { IrqThreads } from './irq/threads.js';
import { KernelText } from './kallsyms/kernel-text.js';
import { ModuleHistory } from './kallsyms/module-history.js';
import { Modules } from './kallsyms/modules.js';
import { SymbolNames } from './kallsyms/sprint-symbol.js';
import { BottomHalves } from './locking/bottom-halves.js';
import { Held } from './locking/held.js';
import { Mutexes } from './locking/mutex.js';
import { Notifiers } from './locking/notifier.js';
import { Rcu } from './locking/rcu.js';
import { RcuPolling } from './locking/rcu-polling.js';
import { RtSpinlocks } from './locking/rt-spinlock.js';
import { RtMutexes } from './locking/rtmutex.js';
import { RwSemaphores, Semaphores } from './locking/rwsem.js';
import { Spinlocks } from './locking/spinlock.js';
import { AllocatorWords } from './mm/allocator-words.js';
import { UserPages } from './mm/gup.js';
import { Ioremap } from './mm/ioremap.js';
import { LargeHashTables } from './mm/large-hash.js';
import { ListLrus } from './mm/list-lru.js';
import { MemoryTiers } from './mm/memory-tiers.js';
import { MemoryTypes } from './mm/memory-types.js';
import { Mempools } from './mm/mempool.js';
import { MemoryNodes } from './mm/node-data.js';
import { NumaTopology } from './mm/numa.js';
import { PageFragments } from './mm/page-frag.js';
import { PageTables } from './mm/page-tables.js';
import { PageExports } from './mm/pages.js';
import { PercpuMemory } from './mm/percpu.js';
import { PublishedCaches } from './mm/published-caches.js';
import { Shrinkers } from './mm/shrinker.js';
import { SlabExports } from './mm/slab.js';
import { SparseMemory } from './mm/sparsemem.js';
import { Uaccess } from './mm/uaccess.js';
import { Usercopy } from './mm/usercopy.js';
import { VmallocExports } from './mm/vmalloc.js';
import { PageMappings } from './mm/vmap.js';
import { ZpoolDrivers } from './mm/zpool.js';
import { LeftBehinds } from './module/left-behind.js';
import { ModuleNotifier } from './module/module-notifier.js';
import { ParameterLocks } from './module/param-lock.js';
import { ParamOps } from './module/param-ops.js';
import { RequestModule } from './module/request-module.js';
import { ConsoleFlow } from './printk/console-flow.js';
import { Completions } from './sched/completion.js';
import { Sched } from './sched/core.js';
import { Freezer } from './sched/freezer.js';
import { HrtimerSleepers } from './sched/hrtimer-sleeper.js';
import { CpuIsolation } from './sched/isolation.js';
import { Kthreads } from './sched/kthread.js';
import { KthreadWorkers } from './sched/kthread-worker.js';
import { Preemption } from './sched/preemption.js';
import { WaitQueues } from './sched/wait.js';
import { WaitBits } from './sched/wait-bit.js';
import { WaitVars } from './sched/wait-var.js';
import { WorkDisabling } from './sched/work-disable.js';
import { Workqueues } from './sched/workqueue.js';
import { Capabilities } from './security/capabilities.js';
import { Credentials } from './security/cred.js';
import { DeviceCgroup } from './security/device-cgroup.js';
import { InodeSecurity } from './security/inode-security.js';
import { MachineKeyring } from './security/machine-keyring.js';
import { SoftirqQueue } from './softirq-queue.js';
import type { SubsystemClass } from './subsystem.js';
import { Delays } from './time/delay.js';
import { Hrtimers } from './time/hrtimer.js';
import { Timekeeping } from './time/timekeeping.js';
import { Timers } from './time/timer.js';
import { CmosClock } from './x86/cmos.js';
import { X86Cpu } from './x86/cpu.js';
import { EmergencyVirtualization } from './x86/emergency-virt.js';
import { KernelFpu } from './x86/fpu.js';
import { HypervisorGuest } from './x86/hypervisor.js';
import { NmiHandlers } from './x86/nmi.js';
import { Paravirt } from './x86/paravirt.js';
import { PageAttributes } from './x86/pat.js';
import { PerformanceMonitoring } from './x86/pmu.js';
import { StaticCalls } from './x86/static-call.js';
import { TextPoke } from './x86/text-poke.js';
import { CpuTopology } from './x86/topology.js';
import { TimeStampCounter } from './x86/tsc.js';

/** Processor, memory, locking, time, tasks and modules: what every other subsystem stands on. */
export const BASE_SUBSYSTEMS: readonly SubsystemClass[] = [
  X86Cpu,
  Paravirt,
  TextPoke,
  SlabExports,
  PageExports,
  PageFragments,
  UserPages,
  PublishedCaches,
  SymbolNames,
  MemoryTypes,
  PageTables,
  KernelText,
  ConsoleFlow,
  VmallocExports,
  LargeHashTables,
  AllocatorWords,
  PercpuMemory,
  Uaccess,
  Usercopy,
  Held,
  SoftirqQueue,
  Spinlocks,
  RtSpinlocks,
  BottomHalves,
  Mutexes,
  RwSemaphores,
  Semaphores,
  Rcu,
  RcuPolling,
  Delays,
  Timers,
  Hrtimers,
  Timekeeping,
  PvClockGtod,
  Preemption,
  Sched,
  WaitQueues,
  Completions,
  Kthreads,
  Workqueues,
  WorkDisabling,
  Softirqs,
  Notifiers,
  Modules,
  ModuleHistory,
  ModuleNotifier,
  FailFunction,
  LeftBehinds,
  ParamOps,
  ParameterLocks,
  ProbePoints,
  Kprobes,
  Kretprobes,
  Ftrace,
  RequestModule,
  SystemState,
  StackProtector,
  Capabilities,
  CpuHotplug,
  CrossCalls,
  JumpLabels,
  DeferredStaticKeys,
  Mempools,
  MemoryNodes,
  NumaTopology,
  MemoryTiers,
  Shrinkers,
  Credentials,
  DeviceCgroup,
  InodeSecurity,
  MachineKeyring,
  EventChains,
  SparseMemory,
  IrqDescs,
  IrqChips,
  IrqHandling,
  IrqThreads,
  IrqAffinity,
  CpuRmaps,
  Interrupts,
  IrqWorks,
  RtMutexes,
  Ioremap,
  KthreadWorkers,
  WaitBits,
  HrtimerSleepers,
  WaitVars,
  CpuIsolation,
  KernelFpu,
  EmergencyVirtualization,
  TimeStampCounter,
  StaticCalls,
  PerformanceMonitoring,
  PerfEvents,
  Padata,
  CpuTopology,
  ListLrus,
  ZpoolDrivers,
  PageMappings,
  Freezer,
  HypervisorGuest,
  ManagedInterrupts,
  CmosClock,
  PageAttributes,
  NmiHandlers,
  TraceArrays,
  TraceEvents,
  UtsNamespaces,
  UserModeHelpers,
];
