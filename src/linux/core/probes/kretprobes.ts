import { RSP } from '../../../cpu/cpu-types.js';
import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import type { Task } from '../../../kernel/task/task.js';
import { E2BIG, EINVAL } from '../../errno.js';
import { Oops } from '../../errors.js';
import type { Holding } from '../../holding.js';
import { symbolAt } from '../../kallsyms/symbolize.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { probesOf, registerAll } from './array.js';
import { BREAKPOINT_BYTES, Kprobes } from './kprobes.js';
import { type Probe, ProbePoints } from './probe-points.js';
import { loadRegisters, readRegisters, saveRegisters } from './pt-regs.js';

/** KRETPROBE_MAX_DATA_SIZE, a macro (include/linux/kprobes.h). */
const MAX_DATA = 4096;
const LEAST_INSTANCES = 10;

interface Return {
  readonly probe: Ptr;
  readonly rethook: Ptr;
  readonly free: Ptr[];
  readonly all: readonly Ptr[];
  registered: boolean;
}

/** A call whose return address was replaced. */
interface Pending {
  readonly of: Return;
  readonly instance: Ptr;
  readonly returnsTo: bigint;
}

/** Probes on what functions return (kernel/kprobes.c on top of kernel/trace/rethook.c). */
export class Kretprobes implements Subsystem {
  static readonly builtIn = 'CONFIG_KRETPROBES';

  private readonly returns = new Map<Ptr, Return>();
  /** By task, innermost call last. */
  private readonly pending = new WeakMap<Task, Pending[]>();

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    register_kretprobe: (probe: Ptr) => this.register(probe),
    unregister_kretprobe: (probe: Ptr) => this.unregister(probe),
    register_kretprobes: (probes: Ptr, count: number) => this.registerAll(probes, count),
    unregister_kretprobes: (probes: Ptr, count: number) => {
      for (const probe of probesOf(this.k, probes, count)) this.unregister(probe);
    },
    arch_rethook_trampoline: () => this.returned(),
  };

  readonly signatures = {
    arch_rethook_trampoline: 'v:',
  };

  private register(probe: Ptr): number {
    const { k } = this;
    const type = k.struct('kretprobe');
    const kprobes = k.get(Kprobes);
    const kprobe = type.addr(probe, 'kp');
    const address = kprobes.addressOf(kprobe);
    if (address < 0) return address;
    if (symbolAt(k, address)?.offset !== 0) return -EINVAL;
    if (type.get(probe, 'kp.addr') !== 0 && kprobes.isRegistered(kprobe)) return -EINVAL;
    const dataSize = type.get(probe, 'data_size');
    if (dataSize > MAX_DATA) return -E2BIG;
    if (type.get(probe, 'maxactive') <= 0) type.set(probe, 'maxactive', LEAST_INSTANCES);
    type.set(probe, 'kp.post_handler', 0);
    const entry = this.allocate(probe, dataSize, type.get(probe, 'maxactive'));
    type.set(probe, 'rh', entry.rethook);
    type.set(probe, 'nmissed', 0);
    const result = kprobes.register(kprobe, this.entryProbe(entry), () => this.held(entry));
    if (result !== 0) {
      this.release(entry);
      type.set(probe, 'rh', 0);
      return result;
    }
    this.returns.set(probe, entry);
    return 0;
  }

  private held({ probe, rethook, all }: Return): Pick<Holding, 'kind' | 'uses' | 'parts'> {
    const type = this.k.struct('kretprobe');
    const uses = ['handler', 'entry_handler'].map((member) => type.get(probe, member));
    return { kind: 'kretprobe', uses, parts: [rethook, ...all] };
  }

  private allocate(probe: Ptr, dataSize: number, count: number): Return {
    const { k } = this;
    const instances = k.struct('kretprobe_instance');
    const rethook = k.slab.allocateBytes(k.sizeOf('rethook'), true);
    k.struct('rethook').set(rethook, 'data', probe);
    const all = Array.from({ length: count }, () => {
      const instance = k.slab.allocateBytes(instances.size + dataSize, true);
      instances.set(instance, 'node.rethook', rethook);
      return instance;
    });
    return { probe, rethook, all, free: [...all], registered: true };
  }

  private release(entry: Return): void {
    entry.registered = false;
    for (const instance of entry.free.splice(0)) this.k.slab.free(instance);
    this.k.slab.free(entry.rethook);
  }

  private unregister(probe: Ptr): void {
    const { k } = this;
    const entry = this.returns.get(probe);
    k.get(Kprobes).unregister(k.struct('kretprobe').addr(probe, 'kp'));
    if (!entry) return;
    this.returns.delete(probe);
    this.release(entry);
    k.struct('kretprobe').set(probe, 'rh', 0);
  }

  private registerAll(probes: Ptr, count: number): number {
    const unregister = (probe: Ptr): void => this.unregister(probe);
    return registerAll(this.k, probes, count, (probe) => this.register(probe), unregister);
  }

  private entryProbe(entry: Return): Probe {
    const type = this.k.struct('kretprobe');
    const { probe } = entry;
    return {
      shownIp: BREAKPOINT_BYTES,
      before: (regs) => this.entered(entry, regs),
      missed: () => type.set(probe, 'kp.nmissed', type.get(probe, 'kp.nmissed') + 1),
    };
  }

  /** pre_handler_kretprobe(): the call will return by the trampoline, unless the entry handler does not want it to. */
  private *entered(entry: Return, regs: Ptr): Sleepable<boolean> {
    const { k } = this;
    const type = k.struct('kretprobe');
    const { probe } = entry;
    const instance = entry.free.shift();
    if (instance === undefined) {
      type.set(probe, 'nmissed', type.get(probe, 'nmissed') + 1);
      return false;
    }
    const decides = type.get(probe, 'entry_handler') !== 0;
    if (decides && (yield* type.call(probe, 'entry_handler', instance, regs)) !== 0) {
      entry.free.unshift(instance);
      return false;
    }
    const slot = k.space.fromAddress(k.struct('pt_regs').getBig(regs, 'sp'));
    const returnsTo = k.space.load64(slot);
    const instances = k.struct('kretprobe_instance');
    instances.setBig(instance, 'node.ret_addr', returnsTo);
    instances.setBig(instance, 'node.frame', k.space.toAddress(slot));
    k.space.storePtr(slot, k.fn('arch_rethook_trampoline'));
    this.callsOf(k.executor.current!).push({ of: entry, instance, returnsTo });
    return false;
  }

  private callsOf(task: Task): Pending[] {
    let calls = this.pending.get(task);
    if (!calls) {
      calls = [];
      this.pending.set(task, calls);
    }
    return calls;
  }

  /** A function has returned to the trampoline: its stack pointer is as if it had returned to its caller. */
  private *returned(): Sleepable<void> {
    const { k } = this;
    const call = this.callsOf(k.executor.current!).pop();
    if (!call) throw new Oops('bug', 'rethook: Return address not found!', k.cpu.getPtr(RSP));
    const { of, instance, returnsTo } = call;
    const points = k.get(ProbePoints);
    const type = k.struct('kretprobe');
    const wanted = of.registered && type.get(of.probe, 'handler') !== 0;
    points.goTo(returnsTo);
    if (wanted) {
      const context = k.cpu.saveContext();
      const regs = saveRegisters(k, k.space.fromAddress(returnsTo));
      k.struct('pt_regs').setBig(regs, 'orig_ax', -1n);
      k.struct('pt_regs').setBig(regs, 'sp', k.struct('pt_regs').getBig(regs, 'sp') + 8n);
      yield* points.guarded(() => type.call(of.probe, 'handler', instance, regs));
      const registers = readRegisters(k, regs);
      k.cpu.loadContext(context);
      loadRegisters(k.cpu, registers);
    }
    if (of.registered) of.free.push(instance);
    else k.slab.free(instance);
  }
}
