import { type FileSource, MemoryFiles } from '../../files/file-source.js';
import { ENOENT, ENOMEM } from '../../freebsd/errno.js';
import { type KldHost, type KldTool, runToEnd, type Steps } from '../host.js';
import type {
  CallResult,
  KernelEnvironment,
  KldFileStat,
  KldKernel,
  KldSysctl,
  ModuleStat,
  SysctlNode,
} from '../kernel.js';
import { Captured } from './captured.js';

export interface FakeFile extends KldFileStat {
  readonly modules: readonly ModuleStat[];
}

export interface FakeNode {
  readonly kind: number;
  readonly format: string;
  readonly description?: string;
  value: Uint8Array;
  /** What writing fails with. */
  readonly errno?: number;
}

const NOTHING = { errno: ENOENT };
const DONE: CallResult<void> = { value: undefined };

/** A kernel of tables, to see what programs ask it. */
export class FakeKernel implements KldKernel<never> {
  readonly calls: string[] = [];
  files: FakeFile[] = [];
  /** What loading a name gives; what is not named is not there. */
  readonly loads = new Map<string, CallResult<number>>();
  unloadErrno = 0;
  readonly nodes = new Map<string, FakeNode>();
  readonly variables = new Map<string, string>();

  *load(file: string): Steps<never, CallResult<number>> {
    yield* [];
    this.calls.push(`kldload ${file}`);
    return this.loads.get(file) ?? NOTHING;
  }

  *unload(id: number, force: boolean): Steps<never, CallResult<void>> {
    yield* [];
    this.calls.push(`kldunloadf ${id} ${force}`);
    return this.unloadErrno === 0 ? DONE : { errno: this.unloadErrno };
  }

  find(name: string): CallResult<number> {
    const file = this.files.find((f) => f.name === name || f.name === `${name}.ko`);
    return file ? { value: file.id } : NOTHING;
  }

  next(id: number): CallResult<number> {
    return { value: this.files.find((file) => file.id > id)?.id ?? 0 };
  }

  stat(id: number): CallResult<KldFileStat> {
    const file = this.files.find((f) => f.id === id);
    return file ? { value: file } : NOTHING;
  }

  firstModule(id: number): CallResult<number> {
    return { value: this.files.find((file) => file.id === id)?.modules[0]?.id ?? 0 };
  }

  nextModule(id: number): CallResult<number> {
    const modules = this.files.find((file) => file.modules.some((module) => module.id === id))?.modules ?? [];
    return { value: modules[modules.findIndex((module) => module.id === id) + 1]?.id ?? 0 };
  }

  findModule(name: string): CallResult<number> {
    const found = this.modules().find((module) => module.name === name);
    return found ? { value: found.id } : NOTHING;
  }

  moduleStat(id: number): CallResult<ModuleStat> {
    const found = this.modules().find((module) => module.id === id);
    return found ? { value: found } : NOTHING;
  }

  private modules(): readonly ModuleStat[] {
    return this.files.flatMap((file) => file.modules);
  }

  readonly sysctl: KldSysctl<never> = new FakeSysctl(this.nodes);
  readonly environment: KernelEnvironment = {
    get: (name) => {
      const value = this.variables.get(name);
      return value === undefined ? NOTHING : { value };
    },
    set: (name, value) => {
      if (name === 'full') return { errno: ENOMEM };
      this.variables.set(name, value);
      return DONE;
    },
    unset: (name) => (this.variables.delete(name) ? DONE : NOTHING),
    dump: (what) => (what === 'dynamic' ? { value: [...this.variables] } : NOTHING),
  };
}

/** The numbers of a node are its place among the leaves, below those of its parents. */
class FakeSysctl implements KldSysctl<never> {
  constructor(private readonly nodes: Map<string, FakeNode>) {}

  find(name: string): CallResult<SysctlNode> {
    const oid = this.oidOf(name);
    const node = this.nodes.get(name);
    if (node) return { value: { oid, name, kind: node.kind, format: node.format } };
    const parent = [...this.nodes.keys()].some((other) => other.startsWith(`${name}.`));
    return parent ? { value: { oid, name, kind: 1, format: 'N' } } : NOTHING;
  }

  next(oid: readonly number[]): SysctlNode | undefined {
    const all = [...this.nodes].map(([name, { kind, format }]) => ({
      oid: this.oidOf(name),
      name,
      kind,
      format,
    }));
    const at = all.findIndex((node) => node.oid.join() === oid.join());
    return at >= 0 ? all[at + 1] : all.find((node) => oid.every((number, i) => node.oid[i] === number));
  }

  description(oid: readonly number[]): string | undefined {
    return this.at(oid)?.description;
  }

  *read(oid: readonly number[]): Steps<never, CallResult<Uint8Array>> {
    yield* [];
    const node = this.at(oid);
    return node ? { value: node.value } : NOTHING;
  }

  *write(oid: readonly number[], value: Uint8Array): Steps<never, CallResult<void>> {
    yield* [];
    const node = this.at(oid);
    if (!node) return NOTHING;
    if (node.errno !== undefined) return { errno: node.errno };
    node.value = value;
    return DONE;
  }

  private at(oid: readonly number[]): FakeNode | undefined {
    return [...this.nodes].find(([name]) => this.oidOf(name).join() === oid.join())?.[1];
  }

  /** Every part of a name is a number by itself. */
  private oidOf(name: string): readonly number[] {
    return name.split('.').map((part) => [...part].reduce((sum, char) => sum * 31 + char.charCodeAt(0), 7));
  }
}

export interface Ran {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a program on a kernel; relative paths are below /home. */
export function runTool(tool: KldTool, kernel: FakeKernel, args: readonly string[], files?: FileSource): Ran {
  const captured = new Captured();
  const host: KldHost<never> = {
    files: files ?? new MemoryFiles(),
    kernel,
    absolute: (path) => (path.startsWith('/') ? path : `/home/${path}`),
    out: captured.out,
    err: captured.err,
  };
  const status = runToEnd(tool(host, args));
  return { status, out: captured.stdout, err: captured.stderr };
}

/** Bytes of a text, with its NUL. */
export function cString(text: string): Uint8Array {
  return new TextEncoder().encode(`${text}\0`);
}
