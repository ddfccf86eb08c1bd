import { rawText } from '../../files/raw-text.js';
import { bytesOf } from '../byte-text.js';
import type { IndexedModule } from '../index/module-index.js';
import { modinfoOf } from '../index/read-module.js';
import type { ModuleTree, Resolved } from '../module-tree.js';
import { insertPlan } from '../plan.js';
import { type FirmwareFile, FirmwareTree } from './firmware.js';

/** Firmware that a module names and the tree does not have. */
interface MissingFirmware {
  readonly name: string;
  readonly module: string;
}

/** What some modules need to work from an image of their own. */
export interface Closure {
  /** Every module to copy, what is needed first before its users. */
  readonly modules: readonly IndexedModule[];
  /** Needed, but part of the kernel image. */
  readonly builtin: readonly string[];
  readonly firmware: readonly FirmwareFile[];
  readonly missingFirmware: readonly MissingFirmware[];
  /** Files of modules that the index names and the tree does not have: absolute paths, as messages have them. */
  readonly missingFiles: readonly string[];
  /** Names and aliases that stand for nothing in the tree. */
  readonly unknown: readonly string[];
}

/**
 * The smallest set of modules that modprobe would want for `names` (names or aliases): their dependencies, what softdep
 * lines add before and after, and what weakdep lines say may be asked for later (modprobe.d(5)), with the firmware that
 * all of these name, those too that are built in.
 */
export function closureOf(tree: ModuleTree, names: readonly string[]): Closure {
  return new ClosureBuilder(tree).build(names);
}

const FIRMWARE = 'firmware=';

class ClosureBuilder {
  private readonly modules = new Map<string, IndexedModule>();
  private readonly builtin = new Set<string>();
  private readonly planned = new Set<string>();
  private readonly missingFiles = new Set<string>();

  constructor(private readonly tree: ModuleTree) {}

  build(names: readonly string[]): Closure {
    const unknown: string[] = [];
    for (const name of names) {
      const found = this.tree.resolve(name);
      if (found.length === 0) unknown.push(name);
      for (const wanted of found) this.add(wanted);
    }
    return {
      modules: [...this.modules.values()],
      builtin: [...this.builtin],
      ...this.firmware(),
      missingFiles: [...this.missingFiles],
      unknown,
    };
  }

  private add(wanted: Resolved): void {
    if (this.planned.has(wanted.name)) return;
    this.planned.add(wanted.name);
    for (const { name, module } of insertPlan(wanted)) {
      if (module.module) this.modules.set(name, module.module);
      else if (module.builtin) this.builtin.add(name);
      // A plan stops at a file that is gone, without it; an image must not.
      for (const path of module.module?.dependencyPaths ?? []) this.demand(this.tree.fullPath(path));
      for (const weak of module.weakDependencies) this.add(weak);
    }
  }

  private demand(path: string): void {
    if (!this.tree.exists(path)) this.missingFiles.add(path);
  }

  private firmware(): Pick<Closure, 'firmware' | 'missingFirmware'> {
    const tree = new FirmwareTree(this.tree.files, this.tree.rootDirectory, this.tree.release);
    const firmware = new Map<string, FirmwareFile>();
    const missing: MissingFirmware[] = [];
    const wanted = [
      ...[...this.modules.values()].map((module) => [module.name, this.firmwareNames(module)] as const),
      ...[...this.builtin].map((name) => [name, this.builtinFirmware(name)] as const),
    ];
    for (const [module, names] of wanted) {
      for (const name of names) {
        const files = tree.find(name);
        for (const file of files) firmware.set(file.path, file);
        if (files.length === 0) missing.push({ name, module });
      }
    }
    return { firmware: [...firmware.values()], missingFirmware: missing };
  }

  private firmwareNames(module: IndexedModule): string[] {
    const path = this.tree.pathOf(module);
    const bytes = this.tree.read(module);
    if (!bytes) this.missingFiles.add(path);
    return bytes ? modinfoOf(bytes, path).all('firmware') : [];
  }

  private builtinFirmware(name: string): string[] {
    const strings = this.tree.builtin.strings(name) ?? [];
    return strings
      .filter((text) => text.startsWith(FIRMWARE))
      .map((text) => rawText(bytesOf(text.slice(FIRMWARE.length))));
  }
}
