import { readFileSync } from 'node:fs';
import type { Sleepable } from '../../kernel/effects.js';
import type { HostEntry, HostTree } from '../../kernel/files/index.js';
import type { FreebsdTarget } from '../../target/index.js';
import { loadBundled } from '../../target/node/index.js';
import { FreebsdKernel, type KernelOptions } from '../kernel.js';
import { KernLinker } from '../linker/kern-linker.js';
import type { LinkerFile } from '../linker/linker-file.js';

const FIXTURES = new URL('../../../tests/modules/freebsd/', import.meta.url);
const FOLDER: HostEntry = { kind: 'directory', size: 0, mode: 0o755, mtime: 0 };
const NOT_THERE: HostEntry | undefined = undefined;
const FOLDERS: Readonly<Record<string, readonly string[]>> = { '/': ['boot'], '/boot': ['modules'] };
const MODULES = '/boot/modules/';
/** Virtual time that loading may take: a module that sleeps for longer hangs. */
const PATIENCE = 100e9;

/** A machine's disk with the given fixtures in /boot/modules. */
function disk(fixtures: readonly string[]): HostTree {
  const contents = new Map(
    fixtures.map((name) => [`${MODULES}${name}`, new Uint8Array(readFileSync(new URL(name, FIXTURES)))]),
  );
  return {
    entry: (path) => {
      const bytes = contents.get(path);
      if (bytes) return { kind: 'file', size: bytes.length, mode: 0o644, mtime: 1 };
      return path in FOLDERS || path === '/boot/modules' ? FOLDER : NOT_THERE;
    },
    list: (path) => FOLDERS[path] ?? [...contents.keys()].map((name) => name.slice(MODULES.length)),
    read: (path) => contents.get(path) ?? new Uint8Array(),
    readLink: () => '',
  };
}

/** A FreeBSD kernel with fixtures of tests/modules/freebsd in its module path, and what tests do with it. */
export class Booted {
  readonly k: FreebsdKernel;
  readonly linker: KernLinker;
  private readonly mark: number;

  constructor(fixtures: readonly string[], options: KernelOptions = {}) {
    const target = loadBundled('freebsd/14.2-amd64') as FreebsdTarget;
    this.k = new FreebsdKernel(target, { files: disk(fixtures), ...options });
    this.linker = this.k.get(KernLinker);
    this.mark = this.k.log.linesFrom(0).length;
  }

  /** Runs a function of the kernel in a thread of its own until it ends: undefined where it does not. */
  run<T>(body: Sleepable<T>): T | undefined {
    const { k } = this;
    let result: T | undefined;
    const task = k.processes.create(
      'test',
      (function* (): Sleepable<number> {
        result = yield* body;
        return 0;
      })(),
    );
    k.interruption.begin();
    k.scheduler.run(() => task.ended, k.clock.now + PATIENCE);
    return result;
  }

  /** kldload(2): the file, or an errno. */
  load(name: string): LinkerFile | number | undefined {
    const result = this.run(this.linker.kldload(name));
    return result === undefined ? undefined : 'file' in result ? result.file : result.errno;
  }

  /** kldload(2) of what has to load. */
  loaded(name: string): LinkerFile {
    const file = this.load(name);
    if (typeof file === 'object') return file;
    throw new Error(`${name} does not load (${file}): ${this.log.join(' / ')}`);
  }

  /** kldunload(2): 0, or an errno. */
  unload({ id }: LinkerFile, force = false): number | undefined {
    return this.run(this.linker.kldunload(id, force));
  }

  /** Lets time pass. */
  settle(milliseconds: number): void {
    this.k.scheduler.settle(milliseconds * 1e6);
  }

  /** Lines of the message buffer since boot. */
  get log(): readonly string[] {
    return this.k.log.linesFrom(this.mark).map((line) => line);
  }

  /** What was found wrong, `kind: message`. */
  get faults(): readonly string[] {
    return this.k.trap.reports.all.map(({ kind, message }) => `${kind}: ${message}`);
  }
}
