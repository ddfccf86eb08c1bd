import {
  type DryModule,
  type LinkFault,
  memoryFault,
  percpuFault,
  relocationFault,
} from '../../linux/module/dry-link.js';
import { writableCode } from '../../linux/module/writable-code.js';
import type { ErrnoName, Reason } from '../reason.js';
import type { Case } from './rule.js';

/** No section is both written and executed (module_enforce_rwx_sections()). */
export function* checkWritableCode({ module, content, kernel }: Case): Generator<Reason> {
  if (!kernel.target.config.has('CONFIG_STRICT_MODULE_RWX')) return;
  const line = writableCode(content.elf, module.name);
  if (line !== undefined)
    yield {
      kind: 'sections',
      lines: [line],
      effect: 'refused',
      errno: 'ENOEXEC',
      text: 'a section of it is both written and executed',
    };
}

/** Memory for its sections (layout_and_allocate(), move_module()). */
export function* checkMemory(c: Case): Generator<Reason> {
  const fault = memoryFault(dry(c));
  if (fault) yield reasonOf('memory', fault);
}

/** Memory for its per-CPU data (percpu_modalloc()). */
export function* checkPercpu(c: Case): Generator<Reason> {
  const fault = percpuFault(dry(c));
  if (fault) yield reasonOf('memory', fault);
}

/** Old and new constructors at once (find_module_sections()). */
export function* checkConstructors({ module, content, kernel }: Case): Generator<Reason> {
  const { elf } = content;
  const both = elf.allocatedSection('.ctors') && elf.allocatedSection('.init_array');
  if (both && kernel.target.config.has('CONFIG_CONSTRUCTORS'))
    yield {
      kind: 'sections',
      lines: [`${module.name}: has both .ctors and .init_array.`],
      effect: 'refused',
      errno: 'EINVAL',
      text: 'it has both .ctors and .init_array',
    };
}

/** Relocations that cannot be applied (apply_relocations()), tried as the loader does it; not where symbols have no values. */
export function* checkRelocations(c: Case): Generator<Reason> {
  if (c.content.unplaced.length > 0 || memoryFault(dry(c))) return;
  const there = new Set(
    c.needs.flatMap(({ symbol, provided }) => (provided || !symbol.weak ? [symbol.name] : [])),
  );
  const fault = relocationFault(dry(c), (name) => there.has(name));
  if (fault) yield reasonOf('relocation', fault);
}

function dry({ module, content, kernel }: Case): DryModule {
  return { elf: content.elf, name: module.name, separate: kernel.hasSeparateMemories };
}

function reasonOf(kind: 'memory' | 'relocation', { errno, text, lines }: LinkFault): Reason {
  return { kind, lines, effect: 'refused', errno: errno as ErrnoName, text };
}
