import { PAGE_KERNEL } from '../../cpu/address-space.js';
import { GuestFault } from '../../cpu/fault.js';
import type { Ptr } from '../../cpu/layout.js';
import { type ElfSymbol, parseElf, SHT_NOBITS } from '../../formats/elf/index.js';
import { FormatError } from '../../formats/format-error.js';
import { parseKernelModinfo } from '../../formats/modinfo.js';
import type { Sleepable } from '../../kernel/effects.js';
import { EBUSY, EEXIST, EINVAL, ENOEXEC, ENOMEM } from '../../kernel/errno.js';
import { hasCpuFeature } from '../cpu-features.js';
import type { LinuxKernel } from '../kernel.js';
import { ModuleSecurity } from '../security/module-security.js';
import { checkAdded, checkModinfo } from './checks.js';
import { checkElfValidity } from './elf-validity.js';
import { type LoadFlags, refuseBlacklisted } from './force.js';
import { doInit, freeModule } from './init.js';
import { layoutModule, type ModuleLayout } from './layout.js';
import { LoadError } from './load-error.js';
import { LoadedModule, type ModuleExport } from './loaded-module.js';
import { protect } from './loader-protect.js';
import { modinfoBytes } from './modinfo-bytes.js';
import { Modules } from './modules.js';
import { refuseModuleNamespaces } from './namespaces.js';
import { parseArguments } from './parse-args.js';
import { applyAlternatives, applyJumpLabels } from './patch-sites.js';
import { applyRelocations, type SymbolValue, symbolValue } from './relocate.js';
import { Resolver } from './resolve.js';
import { findThisModule, hasSeparateMemories, refuseSmallStruct, THIS_MODULE } from './this-module.js';
import { waitForOwners } from './wait-live.js';

const SHT_SYMTAB = 2;

export type { LoadFlags };

/** A module's file: what finit_module(2) is given. */
export interface ModuleFile {
  /** Uncompressed. */
  readonly bytes: Uint8Array;
  /** For messages. */
  readonly path: string;
}

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
  if (file.bytes.length === 0) throw new LoadError(EINVAL, `${file.path} is empty`);
  const forced = (flags.forceModversion ?? false) || (flags.forceVermagic ?? false);
  const { bytes, signed } = yield* security.check(file.bytes, file.path, forced);
  const module = openModule(k, { bytes, path: file.path });
  module.signed = signed;
  refuseBlacklisted(k, module);
  // What the kernel allocates for the module is not for the guest code that this task ran before.
  if (k.executor.current) k.executor.current.caller = 0;
  const modules = k.get(Modules);
  const resolver = checkFits(k, module, flags);
  checkUnique(k, modules, module);
  forOneself(k);
  modules.add(module);
  try {
    checkAdded(k, module);
    refuseModuleNamespaces(k, module);
    yield* waitForOwners(k, module);
    linkChecked(k, module, resolver);
    module.state = 'Loading';
    modules.syncStruct(module);
    yield* modules.notify(module, 'MODULE_STATE_COMING');
    yield* parseArguments(k, module, args);
    forOneself(k);
    modules.published(module);
  } catch (error) {
    yield* freeModule(k, module);
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
function linkChecked(k: LinuxKernel, module: LoadedModule, resolver: Resolver): void {
  try {
    placeModule(k, module, resolver);
  } catch (error) {
    if (error instanceof FormatError) throw new LoadError(ENOEXEC, error.message);
    if (error instanceof GuestFault || error instanceof RangeError)
      throw new LoadError(ENOEXEC, `${module.file}: its tables lead out of its memory: ${error.message}`);
    throw error;
  }
}

/** Parses and checks a file, without its signature: everything that is refused before memory is touched. */
export function openModule(k: LinuxKernel, file: ModuleFile): LoadedModule {
  checkElfValidity(k, file.bytes, file.path);
  try {
    const elf = parseElf(file.bytes, file.path);
    const modinfo = parseKernelModinfo(modinfoBytes(elf));
    const called = modinfo.get('name') ?? '(missing .modinfo section or name field)';
    if (!elf.sections.some((section) => section.type === SHT_SYMTAB))
      throw noModule(k, `${called}: module has no symbols (stripped?)`);
    elf.symbols(); // are read at once, so that damaged ones are refused like everything else here
    const thisModule = findThisModule(k, elf, modinfo.get('name'));
    const name = thisModuleName(k, thisModule.data);
    refuseSmallStruct(k, modinfo.get('name') ?? name, thisModule);
    return new LoadedModule(name, file.path, elf, modinfo);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    throw new LoadError(ENOEXEC, error.message);
  }
}

function noModule(k: LinuxKernel, text: string): LoadError {
  k.log.line(text, 4);
  return new LoadError(ENOEXEC, text);
}

function thisModuleName(k: LinuxKernel, data: Uint8Array): string {
  const { offset, size } = k.struct('module').member('name');
  const bytes = data.subarray(offset, offset + size);
  const end = bytes.indexOf(0);
  return String.fromCharCode(...bytes.subarray(0, end < 0 ? bytes.length : end));
}

function checkUnique(k: LinuxKernel, modules: Modules, module: LoadedModule): void {
  const existing = modules.find(module.name);
  if (!existing) return;
  if (existing.state === 'Live') throw new LoadError(EEXIST, `${module.name} is loaded already`);
  k.log.line(`${module.name}: already being loaded or unloaded`, 4);
  throw new LoadError(EBUSY, `${module.name} is ${existing.state}`);
}

/**
 * Whether the module fits the kernel: version of struct module, version magic, and what taints
 * (check_modstruct_version(), check_modinfo()). Gives what binds its symbols.
 */
function checkFits(k: LinuxKernel, module: LoadedModule, flags: LoadFlags): Resolver {
  const resolver = new Resolver(k, module, flags);
  resolver.checkModuleLayout();
  checkModinfo(k, module, flags);
  return resolver;
}

/** Checks, places, binds and relocates a module; afterwards its code could run. */
export function linkModule(k: LinuxKernel, module: LoadedModule, flags: LoadFlags = {}): void {
  placeModule(k, module, checkFits(k, module, flags));
}

function placeModule(k: LinuxKernel, module: LoadedModule, resolver: Resolver): void {
  module.ledgerMark = k.ledger.mark;
  module.instructionsBefore = k.cpu.executed;
  const { elf } = module;
  const layout = layoutModule(elf, hasSeparateMemories(k));
  place(k, module, layout);
  const values = bindSymbols(k, module, resolver);
  relocate(k, module, values);
  module.exports = collectExports(k, module);
  checkExports(k, module);
  if (module.percpu) copyPercpu(k, module, layout);
  applyAlternatives(k, module, (feature) => hasCpuFeature(k, feature));
  applyJumpLabels(k, module);
  protect(k, module, layout, false);
  module.struct = module.section(THIS_MODULE)!.address;
  k.get(Modules).fillStruct(module);
}

/** Allocates memory and copies the sections (move_module). */
function place(k: LinuxKernel, module: LoadedModule, layout: ModuleLayout): void {
  const { space } = k;
  const bases = layout.memories.map((memory) => {
    if (memory.size === 0) return 0;
    const base = k.moduleMemory.allocate(memory.size, 'module', PAGE_KERNEL);
    if (base === 0)
      throw new LoadError(ENOMEM, `${module.name}: no room for ${memory.size} bytes of module memory`);
    module.memory.push({ base, size: memory.size, init: memory.init });
    return base;
  });
  module.sections = [...layout.places].map(([index, { memory, offset }]) => {
    const section = module.elf.sections[index];
    const address = bases[memory] + offset;
    if (section.type !== SHT_NOBITS) space.bytes.set(section.data, address);
    return { name: section.name, index, address, size: section.size, init: layout.memories[memory].init };
  });
  const { percpu } = layout;
  if (!percpu || percpu.size === 0) return;
  const offset = k.percpu.allocate(percpu.size, percpu.addralign);
  if (offset === 0) {
    k.log.line(`${module.name}: Could not allocate ${percpu.size} bytes percpu data`, 4);
    throw new LoadError(ENOMEM, `${module.name}: no per-CPU memory`);
  }
  module.percpu = { offset, size: percpu.size };
}

function bindSymbols(_k: LinuxKernel, module: LoadedModule, resolver: Resolver): (SymbolValue | undefined)[] {
  const byIndex = new Map(module.sections.map((section) => [section.index, section.address]));
  const percpuIndex = module.percpu
    ? module.elf.sections.findIndex((section) => section.name === '.data..percpu')
    : -1;
  const addressOf = (symbol: ElfSymbol): Ptr | undefined => {
    if (symbol.shndx === percpuIndex) return module.percpu!.offset + Number(symbol.value);
    const base = byIndex.get(symbol.shndx);
    return base === undefined ? undefined : base + Number(symbol.value);
  };
  const values = resolver.values((symbol) => {
    const address = addressOf(symbol);
    return address === undefined ? undefined : symbolValue(address);
  });
  module.placeSymbols(module.elf.symbols(), (symbol) =>
    symbol.shndx === percpuIndex || byIndex.has(symbol.shndx) ? addressOf(symbol) : undefined,
  );
  for (const owner of module.uses) owner.usedBy.unshift(module);
  return values;
}

function relocate(k: LinuxKernel, module: LoadedModule, values: readonly (SymbolValue | undefined)[]): void {
  const byIndex = new Map(module.sections.map((section) => [section.index, section.address]));
  for (const section of module.elf.relocationSections()) {
    const base = byIndex.get(section.info);
    if (base === undefined) continue;
    applyRelocations(k.space, module.elf, section, base, values, (line) =>
      k.log.line(`${module.name}: ${line}`, 3),
    );
  }
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
    k.log.line(`${module.name}: exports duplicate symbol ${name} (owned by ${owner})`, 3);
    throw new LoadError(ENOEXEC, `${module.name}: ${name} is exported by ${owner} already`);
  }
}

function copyPercpu(k: LinuxKernel, module: LoadedModule, layout: ModuleLayout): void {
  if (layout.percpu && layout.percpu.type !== SHT_NOBITS)
    k.space.bytes.set(layout.percpu.data, k.percpu.deref(module.percpu!.offset));
}
