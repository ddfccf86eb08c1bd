import { PAGE_KERNEL } from '../../cpu/address-space.js';
import { GuestFault } from '../../cpu/fault.js';
import { PAGE_SIZE, type Ptr } from '../../cpu/layout.js';
import { SHT_SYMTAB } from '../../formats/elf/constants.js';
import { SHT_NOBITS } from '../../formats/elf/index.js';
import { FormatError } from '../../formats/format-error.js';
import { parseKernelModinfo } from '../../formats/modinfo.js';
import type { ModuleFile } from '../../formats/module-file.js';
import type { Sleepable } from '../../kernel/effects.js';
import { LOGLEVEL_EMERG, LOGLEVEL_ERR, LOGLEVEL_WARNING } from '../../kernel/log.js';
import { EBUSY, EEXIST, EINVAL, ENOEXEC, ENOMEM } from '../errno.js';
import { Oops } from '../errors.js';
import { LoadedModule, type ModuleExport } from '../kallsyms/loaded-module.js';
import { Modules } from '../kallsyms/modules.js';
import type { LinuxKernel } from '../kernel.js';
import { PercpuMemory } from '../mm/percpu.js';
import { checkAdded, checkModinfo } from './checks.js';
import { checkElfValidity } from './elf-validity.js';
import { fillStruct } from './fill-struct.js';
import { finishText } from './finish-text.js';
import { type LoadFlags, refuseBlacklisted } from './force.js';
import { doInit, freeMemory, freeModule } from './init.js';
import { layoutModule, type ModuleLayout, refuseOutside } from './layout.js';
import { bindSymbols, relocate } from './link.js';
import { LoadError } from './load-error.js';
import { protect } from './loader-protect.js';
import { modinfoBytes } from './modinfo-bytes.js';
import { ModuleNotifier } from './module-notifier.js';
import { ModuleSecurity } from './module-security.js';
import { refuseModuleNamespaces } from './namespaces.js';
import { parseArguments } from './parse-args.js';
import { Resolver } from './resolve.js';
import {
  coreSymbols,
  findThisModule,
  hasSeparateMemories,
  refuseSmallStruct,
  THIS_MODULE,
} from './this-module.js';
import { waitForOwners } from './wait-live.js';
import { refuseWritableCode } from './writable-code.js';

export type { LoadFlags };

/**
 * Loads a module and runs its init: load_module() and do_init_module() of kernel/module/main.c, in their
 * order. Throws LoadError with the errno of finit_module(2); log lines are the kernel's.
 */
export function* loadModule(
  k: LinuxKernel,
  file: ModuleFile,
  args: string,
  flags: LoadFlags = {},
): Sleepable<LoadedModule> {
  const security = k.get(ModuleSecurity);
  security.demandPermission();
  if (file.content.length === 0) throw new LoadError(EINVAL, `${file.path} is empty`);
  const forced = (flags.forceModversion ?? false) || (flags.forceVermagic ?? false);
  const { size, signed } = yield* security.check(file.content, file.path, forced);
  const module = parseModule(k, file, size, flags.lenient);
  module.signed = signed;
  refuseBlacklisted(k, module);
  // What the kernel allocates for the module is not for the guest code that this task ran before.
  forOneself(k);
  const modules = k.get(Modules);
  const resolver = checkFits(k, module, flags);
  const layout = allocate(k, module);
  try {
    yield* demandUnique(k, module);
  } catch (error) {
    freeMemory(k, module);
    throw error;
  }
  modules.add(module);
  let setting = false;
  try {
    checkAdded(k, module);
    allocatePercpu(k, module, layout);
    refuseModuleNamespaces(k, module);
    yield* waitForOwners(k, module);
    linkChecked(k, module, resolver, layout);
    module.state = 'Loading';
    modules.syncStruct(module);
    yield* k.get(ModuleNotifier).notify(module, 'MODULE_STATE_COMING');
    setting = true;
    yield* parseArguments(k, module, args);
    setting = false;
    forOneself(k);
    modules.published(module);
  } catch (error) {
    // A set function that crashes takes the loader with it, the kernel's own as those of modules: nothing is undone.
    if (!setting || error instanceof LoadError) yield* freeModule(k, module);
    throw error;
  }
  yield* doInit(k, module);
  return module;
}

/** What is allocated now is the loader's: not of the guest code that this task ran before, which may be gone. */
function forOneself(k: LinuxKernel): void {
  const task = k.executor.current;
  if (task) task.caller = 0;
}

/** What is wrong with the file and only shows now is refused as well. */
function linkChecked(k: LinuxKernel, module: LoadedModule, resolver: Resolver, layout: ModuleLayout): void {
  try {
    bindModule(k, module, resolver, layout);
  } catch (error) {
    if (error instanceof FormatError) throw new LoadError(ENOEXEC, error.message);
    if (error instanceof GuestFault || error instanceof RangeError)
      throw new LoadError(ENOEXEC, `${module.file}: its tables lead out of its memory: ${error.message}`);
    throw error;
  }
}

/** Parses and checks the first `size` bytes, without the signature: everything that is refused before memory is touched. */
export function parseModule(k: LinuxKernel, file: ModuleFile, size: number, lenient = false): LoadedModule {
  checkElfValidity(k, file.content.subarray(0, size), file.path);
  try {
    const elf = file.elfOf(size);
    const modinfo = parseKernelModinfo(modinfoBytes(elf));
    const called = modinfo.get('name') ?? '(missing .modinfo section or name field)';
    if (!elf.sections.some((section) => section.type === SHT_SYMTAB))
      throw noModule(k, `${called}: module has no symbols (stripped?)`);
    elf.symbols(); // are read at once, so that damaged ones are refused like everything else here
    const thisModule = findThisModule(k, elf, modinfo.get('name'));
    const name = thisModuleName(k, thisModule.data);
    refuseSmallStruct(k, modinfo.get('name') ?? name, thisModule, lenient || k.lenient);
    const module = new LoadedModule(name, file.path, elf, modinfo);
    module.lenient = lenient || k.lenient;
    return module;
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    throw new LoadError(ENOEXEC, error.message);
  }
}

function noModule(k: LinuxKernel, text: string): LoadError {
  k.log.line(text, LOGLEVEL_WARNING);
  return new LoadError(ENOEXEC, text);
}

function thisModuleName(k: LinuxKernel, data: Uint8Array): string {
  const { offset, size } = k.struct('module').member('name');
  const bytes = data.subarray(offset, offset + size);
  const end = bytes.indexOf(0);
  return String.fromCharCode(...bytes.subarray(0, end < 0 ? bytes.length : end));
}

/**
 * add_unformed_module(): a name is there once. While a module of that name comes, whoever brings another waits for what becomes
 * of it.
 */
function* demandUnique(k: LinuxKernel, module: LoadedModule): Sleepable<void> {
  const modules = k.get(Modules);
  demandEndOfName(k, module);
  if (!modules.find(module.name)) return;
  yield* k.get(ModuleNotifier).untilFinished(module.name);
  const existing = modules.find(module.name);
  if (!existing) return;
  if (existing.state === 'Live') throw new LoadError(EEXIST, `${module.name} is loaded already`);
  throw new LoadError(EBUSY, `${module.name} is ${existing.state}`);
}

/** A name that fills its member has no end: the kernel is hardened against asking for its length. */
function demandEndOfName(k: LinuxKernel, { name, file }: LoadedModule): void {
  if (name.length < k.struct('module').member('name').size) return;
  if (!k.configured('CONFIG_FORTIFY_SOURCE')) throw new LoadError(ENOEXEC, `${file}: its name has no end`);
  k.log.line('detected buffer overflow in __fortify_strlen', LOGLEVEL_EMERG);
  throw new Oops('out-of-bounds', 'kernel BUG at lib/string_helpers.c:1027!', k.caller);
}

/**
 * Whether the module fits the kernel: version of struct module, version magic, and what taints
 * (check_modstruct_version(), check_modinfo()). Gives what binds its symbols.
 */
function checkFits(k: LinuxKernel, module: LoadedModule, flags: LoadFlags): Resolver {
  const resolver = new Resolver(k, module, flags);
  resolver.checkModuleLayout();
  checkModinfo(k, module, flags);
  refuseWritableCode(k, module);
  return resolver;
}

/** Checks, places, binds and relocates a module; afterwards its code could run. */
export function linkModule(k: LinuxKernel, module: LoadedModule, flags: LoadFlags = {}): void {
  const resolver = checkFits(k, module, flags);
  const layout = allocate(k, module);
  allocatePercpu(k, module, layout);
  bindModule(k, module, resolver, layout);
}

function bindModule(k: LinuxKernel, module: LoadedModule, resolver: Resolver, layout: ModuleLayout): void {
  checkSections(k, module);
  const values = bindSymbols(module, resolver);
  relocate(k, module, values, layout);
  module.exports = collectExports(k, module);
  if (module.percpu) copyPercpu(k, module, layout);
  finishText(k, module);
  checkExports(k, module);
  protect(k, module, layout, false);
  module.struct = module.section(THIS_MODULE)!.address;
  fillStruct(k, module);
}

/** find_module_sections(), as far as it has something to say. Throws LoadError (EINVAL). */
function checkSections(k: LinuxKernel, module: LoadedModule): void {
  const both = module.section('.ctors') && module.section('.init_array');
  if (k.configured('CONFIG_CONSTRUCTORS') && both) {
    const text = `${module.name}: has both .ctors and .init_array.`;
    k.log.line(text, LOGLEVEL_WARNING);
    throw new LoadError(EINVAL, text);
  }
  if (module.section('__obsparm'))
    k.log.line(`${module.name}: Ignoring obsolete parameters`, LOGLEVEL_WARNING);
}

/** Lays the module out, allocates its memory and copies the sections (layout_and_allocate, move_module). */
function allocate(k: LinuxKernel, module: LoadedModule): ModuleLayout {
  module.ledgerMark = k.ledger.mark;
  module.instructionsBefore = k.cpu.executed;
  forOneself(k);
  const layout = layoutModule(module.elf, hasSeparateMemories(k), coreSymbols(k));
  try {
    place(k, module, layout);
  } catch (error) {
    freeMemory(k, module);
    throw error;
  }
  return layout;
}

function place(k: LinuxKernel, module: LoadedModule, layout: ModuleLayout): void {
  const { space } = k;
  const bases = layout.memories.map((memory) => {
    if (memory.size === 0) return 0;
    const base = k.moduleMemory.allocate(memory.size, 'module', PAGE_KERNEL);
    if (base === 0)
      throw new LoadError(ENOMEM, `${module.name}: no room for ${memory.size} bytes of module memory`);
    const text = memory.parts.find(({ kind }) => kind === 'text');
    module.memory.push({ base, size: memory.size, init: memory.init, textSize: text?.end ?? 0 });
    return base;
  });
  refuseOutside(module.elf, layout, module.name);
  const places = [...layout.places].sort(([a], [b]) => a - b);
  module.sections = places.map(([index, { memory, offset }]) => {
    const section = module.elf.sections[index];
    const address = bases[memory] + offset;
    if (section.type !== SHT_NOBITS) space.bytes.set(section.data, address);
    return { name: section.name, index, address, size: section.size, init: layout.memories[memory].init };
  });
}

/** percpu_modalloc(). */
function allocatePercpu(k: LinuxKernel, module: LoadedModule, { percpu }: ModuleLayout): void {
  if (!percpu || percpu.size === 0) return;
  let align = percpu.addralign;
  if (align > PAGE_SIZE) {
    k.log.line(`${module.name}: per-cpu alignment ${align} > ${PAGE_SIZE}`, LOGLEVEL_WARNING);
    align = PAGE_SIZE;
  }
  const offset = k.get(PercpuMemory).allocate(percpu.size, align);
  if (offset === 0) {
    k.log.line(`${module.name}: Could not allocate ${percpu.size} bytes percpu data`, LOGLEVEL_WARNING);
    throw new LoadError(ENOMEM, `${module.name}: no per-CPU memory`);
  }
  module.percpu = { offset, size: percpu.size };
}

/** The module's own `__ksymtab` and `__ksymtab_gpl` (struct kernel_symbol, with relative references). */
function collectExports(k: LinuxKernel, module: LoadedModule): ReadonlyMap<string, ModuleExport> {
  const found = new Map<string, ModuleExport>();
  const type = k.struct('kernel_symbol');
  const relative = (at: Ptr): Ptr => at + k.space.view.getInt32(at, true);
  for (const [suffix, gplOnly] of [
    ['', false],
    ['_gpl', true],
  ] as const) {
    const table = module.section(`__ksymtab${suffix}`);
    if (!table) continue;
    const crcs = module.section(`__kcrctab${suffix}`);
    for (let i = 0; (i + 1) * type.size <= table.size; i++) {
      const at = table.address + i * type.size;
      const namespaceAt = type.addr(at, 'namespace_offset');
      const name = k.space.cstring(relative(type.addr(at, 'name_offset')));
      found.set(name, {
        name,
        address: relative(type.addr(at, 'value_offset')),
        crc: crcs ? k.space.view.getUint32(crcs.address + i * 4, true) : undefined,
        gplOnly,
        namespace:
          k.space.view.getInt32(namespaceAt, true) === 0 ? '' : k.space.cstring(relative(namespaceAt)),
      });
    }
  }
  return found;
}

/** verify_exported_symbols: nobody else may export a symbol of that name. */
function checkExports(k: LinuxKernel, module: LoadedModule): void {
  for (const name of module.exports.keys()) {
    const owner = k.target.exports.has(name)
      ? 'kernel'
      : k
          .get(Modules)
          .list()
          .find((other) => other !== module && other.exports.has(name))?.name;
    if (owner === undefined) continue;
    k.log.line(`${module.name}: exports duplicate symbol ${name} (owned by ${owner})`, LOGLEVEL_ERR);
    throw new LoadError(ENOEXEC, `${module.name}: ${name} is exported by ${owner} already`);
  }
}

function copyPercpu(k: LinuxKernel, module: LoadedModule, layout: ModuleLayout): void {
  if (layout.percpu && layout.percpu.type !== SHT_NOBITS)
    k.space.bytes.set(layout.percpu.data, k.percpu.deref(module.percpu!.offset));
}
