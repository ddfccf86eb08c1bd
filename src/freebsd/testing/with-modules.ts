import { readFileSync } from 'node:fs';
import type { Sleepable } from '../../kernel/effects.js';
import type { HostEntry, HostTree } from '../../kernel/files/index.js';
import type { FreebsdTarget } from '../../target/index.js';
import { loadBundled } from '../../target/node/index.js';
import { FreebsdKernel } from '../kernel.js';
import { KernLinker } from '../linker/kern-linker.js';
import type { LinkerFile } from '../linker/linker-file.js';

const FIXTURES = new URL('../../../tests/modules/freebsd/', import.meta.url);
const FOLDER: HostEntry = { kind: 'directory', size: 0, mode: 0o755, mtime: 0 };
const MODULES = '/boot/modules';
/** Virtual nanoseconds that a call may take, and that pass after it. */
const PATIENCE = 100e9;
const AFTERWARDS = 100e6;

/** A kernel with modules of tests/modules/freebsd in /boot/modules, for tests of what they use. */
export class WithModules {
  readonly k: FreebsdKernel;
  private readonly linker: KernLinker;

  constructor(...names: readonly string[]) {
    const target = loadBundled('freebsd/14.2-amd64');
    if (target.os !== 'freebsd') throw new Error('the bundled target is no FreeBSD');
    this.k = new FreebsdKernel(target as FreebsdTarget, { files: diskOf(names) });
    this.linker = this.k.get(KernLinker);
  }

  /** Runs a function in a process of its own, to its end. */
  run<T>(body: () => Sleepable<T>): T {
    const { k } = this;
    let result: { readonly value: T } | undefined;
    function* root(): Sleepable<void> {
      result = { value: yield* body() };
    }
    const task = k.processes.create('test', root());
    k.interruption.begin();
    k.scheduler.run(() => task.ended, k.clock.now + PATIENCE);
    k.scheduler.settle(AFTERWARDS);
    if (!result) throw new Error(`it did not end: ${[...this.log, ...this.faults].join(' / ')}`);
    return result.value;
  }

  /** kldload(2). */
  load(name: string): LinkerFile {
    const result = this.run(() => this.linker.kldload(name));
    if ('file' in result) return result.file;
    throw new Error(`${name}: error ${result.errno}: ${this.log.join(' / ')}`);
  }

  /** kldunload(2): 0, or an errno. */
  unload(file: LinkerFile): number {
    return this.run(() => this.linker.kldunload(file.id, false));
  }

  /** The message buffer. */
  get log(): readonly string[] {
    return this.k.log.linesFrom(0);
  }

  /** What was found wrong, `kind: message`. */
  get faults(): readonly string[] {
    return this.k.trap.reports.all.map(({ kind, message }) => `${kind}: ${message}`);
  }
}

function diskOf(names: readonly string[]): HostTree {
  const folders: Readonly<Record<string, readonly string[]>> = {
    '/': ['boot'],
    '/boot': ['modules'],
    [MODULES]: names,
  };
  const read = (path: string): Uint8Array =>
    new Uint8Array(readFileSync(new URL(path.slice(MODULES.length + 1), FIXTURES)));
  return {
    entry: (path) => {
      if (path in folders) return FOLDER;
      if (!names.some((name) => path === `${MODULES}/${name}`)) return undefined;
      return { kind: 'file', size: read(path).length, mode: 0o644, mtime: 1 };
    },
    list: (path) => folders[path] ?? [],
    read,
    readLink: () => '',
  };
}
