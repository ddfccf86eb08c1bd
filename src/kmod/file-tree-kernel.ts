import { type FileSource, readText } from '../files/file-source.js';
import { moduleName } from './names.js';
import type { ListedModule, ModuleState, RunningKernel, Steps } from './tools/tool.js';

/** Something would have had to be done in a kernel, and none is up. */
export class NoKernelError extends Error {
  override readonly name = 'NoKernelError';

  constructor() {
    super('no base kernel is up to act on');
  }
}

/**
 * The kernel that /proc/modules and /sys/module of a file tree tell of: to look at only. What would change it
 * is refused ({@link NoKernelError}), so that nothing is ever loaded into the host's own kernel.
 */
export class FileTreeKernel implements RunningKernel<never> {
  constructor(private readonly files: FileSource) {}

  list(): readonly ListedModule[] | undefined {
    const text = readText(this.files, '/proc/modules');
    if (text === undefined) return undefined;
    return text
      .split('\n')
      .filter(Boolean)
      .map((line) => this.listed(line));
  }

  /** A directory without `initstate` is one of a module whose loading goes on, by kmod's rule. */
  state(name: string): ModuleState {
    const state = this.attribute(name, 'initstate');
    if (state === 'live\n' || state === 'coming\n' || state === 'going\n') return state.trim() as ModuleState;
    return state === undefined && this.files.list(`/sys/module/${name}`) ? 'coming' : 'absent';
  }

  refcount(name: string): number | undefined {
    return integer(this.attribute(name, 'refcnt'));
  }

  holders(name: string): readonly string[] {
    return this.holdersIn(name) ?? [];
  }

  insert(): Steps<never, never> {
    throw new NoKernelError();
  }

  remove(): Steps<never, never> {
    throw new NoKernelError();
  }

  shell(): Steps<never, never> {
    throw new NoKernelError();
  }

  sleep(): Steps<never, never> {
    throw new NoKernelError();
  }

  now(): number {
    return 0;
  }

  /** A line of /proc/modules; /sys/module knows better, where it is there. */
  private listed(line: string): ListedModule {
    const [name, size = '', count = '', users = ''] = line.split(/[ \t]+/);
    const holders = users === '-' ? [] : users.split(',').filter((user) => /^\w+$/.test(user));
    return {
      name,
      size: integer(this.attribute(name, 'coresize')) ?? integer(`${size}\n`) ?? 0,
      refcount: this.refcount(name) ?? integer(`${count}\n`) ?? 0,
      holders: this.holdersIn(name) ?? holders,
    };
  }

  private holdersIn(name: string): readonly string[] | undefined {
    const names = this.files.list(`/sys/module/${name}/holders`)?.map((entry) => entry.name);
    // For libkmod a name ends at its first dot, and one that is nothing is shown as that.
    return names?.map(moduleName);
  }

  private attribute(name: string, attribute: string): string | undefined {
    return readText(this.files, `/sys/module/${name}/${attribute}`);
  }
}

/** A decimal number with white space behind it, as sysfs has them. */
function integer(text: string | undefined): number | undefined {
  const match = /^\s*([+-]?\d+)\s/.exec(text ?? '');
  return match ? Number(match[1]) : undefined;
}
