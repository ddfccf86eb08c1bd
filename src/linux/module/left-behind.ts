import type { Ptr } from '../../cpu/layout.js';
import { Notifiers } from '../core/notifier.js';
import { MiscDevices } from '../fs/devices/misc.js';
import { ProcFs } from '../fs/proc/procfs.js';
import type { LinuxKernel } from '../kernel.js';
import type { SysfsDirectory } from '../kobject/sysfs/node.js';
import { Sysfs } from '../kobject/sysfs/sysfs.js';
import { SlabExports } from '../mm/slab.js';
import { Kthreads } from '../sched/kthread.js';
import { Workqueues } from '../sched/workqueue.js';
import { Hrtimers } from '../time/hrtimer.js';
import { Timers } from '../time/timer.js';
import { symbolize } from '../traps/symbolize.js';
import type { LoadedModule } from './loaded-module.js';

/** Registrations that were reported already, so that it is not taken for that of a module which came into the same memory. */
const registered = new WeakMap<LinuxKernel, Set<Ptr>>();

type Report = (what: string, at: Ptr, fn: Ptr) => void;

/**
 * Looks, after a module's exit function ran and before its memory goes, for what would still run its code or
 * use its data, and for memory that it wrote to after freeing it. The real kernel finds out by crashing later;
 * here each is reported at once.
 */
export function reportLeftBehind(k: LinuxKernel, module: LoadedModule): void {
  const report: Report = (what, at, fn) => {
    const message = `modbox: ${module.name} was unloaded but left ${what} behind: ${symbolize(k, fn)}`;
    k.traps.leftBehind(module, message, at, fn);
  };
  reportRunning(k, module, report);
  const known = registered.get(k) ?? new Set<Ptr>();
  registered.set(k, known);
  reportRegistered(k, module, (what, at, fn) => {
    if (!known.has(at)) report(what, at, fn);
    known.add(at);
  });
  for (const defect of k.slab.check()) k.get(SlabExports).report(defect);
}

/** Takes the module's blocks off chains that stay: nobody could use those any more. */
export function unhookNotifiers(k: LinuxKernel, module: LoadedModule): void {
  const notifiers = k.get(Notifiers);
  for (const { head, type, block } of [...notifiers.registered()])
    if (module.contains(block) && !module.contains(head)) notifiers.unregister(head, block, type);
}

function reportRunning(k: LinuxKernel, module: LoadedModule, report: Report): void {
  const threads = k.get(Kthreads);
  for (const { name, fn, task } of threads.alive())
    if (module.contains(fn)) report(`the kernel thread '${name}'`, task.object, fn);
  for (const timers of [k.get(Timers), k.get(Hrtimers)])
    for (const { timer, fn } of timers.outstanding())
      if (module.contains(fn) || module.contains(timer))
        report('a pending timer', timer, module.contains(fn) ? fn : timer);
  for (const { work, fn } of k.get(Workqueues).queuedWork())
    if (module.contains(fn) || module.contains(work))
      report('queued work', work, module.contains(fn) ? fn : work);
  for (const { name, creator } of k.get(Workqueues).outstanding())
    if (creator === module) report(`the workqueue '${name}'`, module.struct, module.struct);
}

function reportRegistered(k: LinuxKernel, module: LoadedModule, report: Report): void {
  for (const { head, block } of k.get(Notifiers).registered())
    if (module.contains(block) && !module.contains(head))
      report('a notifier', block, k.struct('notifier_block').get(block, 'notifier_call'));
  const miscdevice = k.struct('miscdevice');
  for (const misc of k.get(MiscDevices).registered())
    if (module.contains(misc) || module.contains(miscdevice.get(misc, 'fops')))
      report(`the device '${miscdevice.string(misc, 'name')}'`, misc, miscdevice.get(misc, 'fops'));
  const proc = k.struct('proc_dir_entry');
  for (const entry of k.get(ProcFs).entries()) {
    const used = (['proc_ops', 'seq_ops', 'write'] as const).map((member) => proc.get(entry, member));
    const own = used.find((ptr) => module.contains(ptr));
    if (own !== undefined) report(`the /proc file '${proc.string(entry, 'name')}'`, entry, own);
  }
  reportSysfs(k.get(Sysfs).root, module, report);
}

/** Files of attributes in the module's memory, outside /sys/module/NAME, which goes with the module. */
function reportSysfs(directory: SysfsDirectory, module: LoadedModule, report: Report): void {
  if (directory.path === `/module/${module.name}`) return;
  for (const child of directory.children.values()) {
    if (child.kind === 'directory') reportSysfs(child, module, report);
    else if (child.kind !== 'link' && module.contains(child.attr))
      report(`the file '/sys${directory.path}/${child.name}'`, child.attr, child.attr);
  }
}
