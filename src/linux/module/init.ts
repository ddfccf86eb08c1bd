import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { LOGLEVEL_DEBUG, LOGLEVEL_WARNING } from '../../kernel/log.js';
import { bootList } from '../boot-parameters.js';
import { AsyncCalls } from '../drivers/base/async.js';
import { EAGAIN, EBUSY, ENOENT, EPERM } from '../errno.js';
import { Oops } from '../errors.js';
import type { LoadedModule } from '../kallsyms/loaded-module.js';
import { Modules } from '../kallsyms/modules.js';
import { symbolize } from '../kallsyms/symbolize.js';
import type { LinuxKernel } from '../kernel.js';
import { Notifiers } from '../locking/notifier.js';
import { Rcu } from '../locking/rcu.js';
import { LeftBehinds } from './left-behind.js';
import { LoadError } from './load-error.js';
import { protect } from './loader-protect.js';
import { ModuleNotifier } from './module-notifier.js';
import { ModuleSecurity } from './module-security.js';
import { destroyParameters } from './parse-args.js';

/** do_init_module(): constructors, init, then the init memory goes. A failing init unwinds everything. */
export function* doInit(k: LinuxKernel, module: LoadedModule): Sleepable<void> {
  const modules = k.get(Modules);
  yield* constructors(k, module);
  const init = k.struct('module').get(module.struct, 'init');
  if (init !== 0) {
    const result = yield* initcall(k, init);
    if (result < 0) {
      k.get(LeftBehinds).report(module);
      yield* freeModule(k, module);
      throw new LoadError(-result, `${module.name}: init returned ${result}`);
    }
    if (result > 0) {
      const text = `do_init_module: '${module.name}'->init suspiciously returned ${result}, it should follow 0/-E convention`;
      k.log.line(text, LOGLEVEL_WARNING);
      k.log.line('do_init_module: loading module anyway...', LOGLEVEL_WARNING);
      k.traps.dumpStack();
      k.traps.record(k.executor.current, init, 'warning', text, k.space.toAddress(init), [
        symbolize(k, init),
      ]);
    }
  }
  module.state = 'Live';
  modules.syncStruct(module);
  yield* k.get(ModuleNotifier).notify(module, 'MODULE_STATE_LIVE');
  modules.wentLive(module);
  modules.reportHidden();
  yield* k.get(AsyncCalls).synchronize();
  modules.put(module);
  if (module.layout) protect(k, module, module.layout, true);
  freeInitMemory(k, module);
}

/** do_one_initcall(): runs it and complains when it leaves preemption or interrupts changed. */
function* initcall(k: LinuxKernel, fn: Ptr): Sleepable<number> {
  const [called] = symbolize(k, fn).split('+');
  if (bootList(k.cmdline, 'initcall_blacklist').includes(called)) {
    k.log.line(`initcall ${called} blacklisted`, LOGLEVEL_DEBUG);
    return -EPERM;
  }
  const before = k.processes.preemptCount;
  const sections = k.get(Rcu).depth;
  const result = yield* k.callAs('initcall_t', fn);
  if (reportTask(k, fn)) reportSections(k, fn, sections);
  const problems: string[] = [];
  if (k.processes.preemptCount !== before) {
    problems.push('preemption imbalance ');
    k.processes.preemptCount = before;
  }
  if (!k.cpu.interruptsEnabled) {
    problems.push('disabled interrupts ');
    k.cpu.interruptsEnabled = true;
  }
  if (problems.length > 0) {
    const task = k.executor.current!;
    k.traps.warnWith(
      task,
      'preempt-imbalance',
      `initcall ${symbolize(k, fn)} returned with ${problems.join('')}`,
      'init/main.c:1283',
      k.hasSymbol('do_one_initcall') ? k.symbol('do_one_initcall') : fn,
    );
  }
  return result;
}

/** False where the task_struct is not one any more. The kernel would crash some time later, when nobody knows who overwrote the task_struct of the process. */
function reportTask(k: LinuxKernel, fn: Ptr): boolean {
  const task = k.executor.current!;
  if (k.processes.intact(task)) return true;
  const text = `modbox: ${symbolize(k, fn)} has overwritten the task_struct of its process`;
  k.traps.record(task, fn, 'out-of-bounds', text, k.space.toAddress(task.object), [symbolize(k, fn)]);
  return false;
}

/** The kernel does not look, and complains when the task sleeps the next time. */
function reportSections(k: LinuxKernel, fn: Ptr, before: number): void {
  const { depth } = k.get(Rcu);
  const task = k.executor.current;
  if (depth === before || !task) return;
  const what =
    depth > before
      ? 'is still in an RCU read-side section'
      : 'left an RCU read-side section that it was not in';
  const text = `modbox: ${symbolize(k, fn)} returned and ${what}`;
  k.traps.record(task, fn, 'lock-misuse', text, k.space.toAddress(fn), [symbolize(k, fn)]);
  k.get(Rcu).depth = before;
}

function* constructors(k: LinuxKernel, module: LoadedModule): Sleepable<void> {
  if (!k.configured('CONFIG_CONSTRUCTORS')) return;
  for (const name of ['.ctors', '.init_array']) {
    const section = module.section(name);
    if (!section) continue;
    for (let at = section.address; at < section.address + section.size; at += 8)
      // ctor_fn_t, which BTF leaves out where nothing has such a type.
      yield* k.callAs('v:', k.space.loadPtr(at));
  }
}

function freeInitMemory(k: LinuxKernel, module: LoadedModule): void {
  for (const part of module.memory.filter((memory) => memory.init)) k.moduleMemory.free(part.base);
  module.memory = module.memory.filter((memory) => !memory.init);
  module.sections = module.sections.filter((section) => !section.init);
  module.placeSymbols(module.elf.symbols(), (symbol) => {
    const section = module.sections.find((candidate) => candidate.index === symbol.shndx);
    return section && section.address + Number(symbol.value);
  });
}

/** Takes a module out again: after its exit, or when loading failed half-way (free_module). */
export function* freeModule(k: LinuxKernel, module: LoadedModule): Sleepable<void> {
  const modules = k.get(Modules);
  if (module.state !== 'Unformed') {
    module.state = 'Unloading';
    modules.syncStruct(module);
    yield* k.get(ModuleNotifier).notify(module, 'MODULE_STATE_GOING');
  }
  if (module.struct !== 0) yield* destroyParameters(k, module);
  k.get(Notifiers).unhook(module);
  k.get(LeftBehinds).forget(module);
  modules.remove(module);
  for (const owner of module.uses) owner.usedBy.splice(owner.usedBy.indexOf(module), 1);
  module.uses.clear();
  if (module.percpu) k.percpu.free(module.percpu.offset);
  freeMemory(k, module);
}

/** module_deallocate(). */
export function freeMemory(k: LinuxKernel, module: LoadedModule): void {
  for (const part of module.memory) k.moduleMemory.free(part.base);
  module.memory = [];
}

/** delete_module(2). Throws LoadError: EAGAIN (EWOULDBLOCK) in use, EBUSY not removable, ENOENT not there. */
export function* deleteModule(k: LinuxKernel, name: string, force: boolean): Sleepable<LoadedModule> {
  k.get(ModuleSecurity).demandPermission();
  const modules = k.get(Modules);
  const module = modules.find(name);
  if (!module) throw new LoadError(ENOENT, `${name} is not loaded`);
  if (module.usedBy.length > 0)
    throw new LoadError(EAGAIN, `${name} is in use by ${module.usedBy.map((user) => user.name).join(' ')}`);
  if (module.state !== 'Live') throw new LoadError(EBUSY, `${name} is ${module.state.toLowerCase()}`);
  const forced = force && k.configured('CONFIG_MODULE_FORCE_UNLOAD');
  if (module.permanent && !forced)
    throw new LoadError(EBUSY, `${name} has an init but no exit function: it stays`);
  if (modules.refcount(module) > 0 && !forced)
    throw new LoadError(EAGAIN, `${name} is in use: ${modules.refcount(module)} references`);
  // try_release_module_ref(): somebody gave back a reference that was the loader's.
  if (modules.refcount(module) < 0)
    throw new Oops('refcount', 'kernel BUG at kernel/module/main.c:656!', module.struct);
  if (module.permanent || modules.refcount(module) > 0)
    k.traps.taint.addUnreliable('FORCED_RMMOD', 'removed by force', module.name);
  module.state = 'Unloading';
  modules.syncStruct(module);
  modules.stop(module);
  const type = k.struct('module');
  const exit = type.get(module.struct, 'exit');
  if (exit !== 0) {
    const sections = k.get(Rcu).depth;
    yield* type.call(module.struct, 'exit');
    reportSections(k, exit, sections);
  }
  k.get(LeftBehinds).report(module);
  const letters = module.taint.moduleLetters();
  modules.lastUnloaded = `${module.name}${letters && `(${letters})`}`;
  yield* freeModule(k, module);
  return module;
}
