import type { FileSource } from '../../files/file-source.js';
import type { ModuleFile } from '../../formats/module-file.js';
import type { IndexCache } from '../depmod/index-tree.js';
import type { FileWriter } from '../file-writer.js';
import type { ModuleTree } from '../module-tree.js';

/**
 * A part of a tool's run that may have to wait for the running kernel. `Wait` is what it yields meanwhile: the
 * effects of a base kernel's scheduler in a machine, `never` where nothing ever waits.
 */
export type Steps<Wait, Result> = Generator<Wait, Result, undefined>;

/** Result of a system call: 0 or a positive error number, and what modbox knows of the reason. */
export interface CallOutcome {
  readonly errno: number;
  readonly why?: string;
}

/** What init_module(2) calls MODULE_INIT_IGNORE_MODVERSIONS and MODULE_INIT_IGNORE_VERMAGIC, and what a base kernel knows besides. */
export interface InsertFlags {
  readonly forceModversion?: boolean;
  readonly forceVermagic?: boolean;
  /** Take what modbox refuses or distrusts for safety's sake alone. */
  readonly lenient?: boolean;
}

/** `initstate` of /sys/module/NAME; 'absent' where there is no such module, 'builtin' where it has no state. */
export type ModuleState = 'builtin' | 'live' | 'coming' | 'going' | 'absent';

/** A line of /proc/modules, as lsmod needs it. */
export interface ListedModule {
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  readonly refcount: number;
  readonly holders: readonly string[];
}

/** The kernel that tools act on: a base kernel that is up, or what /proc and /sys of a file tree tell. */
export interface RunningKernel<Wait> {
  /** Newest first, as /proc/modules has them; undefined where there is no such file. */
  list(): readonly ListedModule[] | undefined;
  state(name: string): ModuleState;
  /** Undefined where that cannot be told (ENOENT). */
  refcount(name: string): number | undefined;
  holders(name: string): readonly string[];
  /** finit_module(2) of a file as it is on the disk, packed or not. */
  insert(file: ModuleFile, parameters: string, flags: InsertFlags): Steps<Wait, CallOutcome>;
  /** delete_module(2) with O_NONBLOCK, and O_TRUNC where `force`. */
  remove(name: string, force: boolean): Steps<Wait, CallOutcome>;
  /** system(3): a command of modprobe.d's install and remove lines. The exit status. */
  shell(command: string, environment: Readonly<Record<string, string>>): Steps<Wait, number>;
  /** Sleeps; virtual time in a machine. */
  sleep(milliseconds: number): Steps<Wait, void>;
  /** Milliseconds since any moment. */
  now(): number;
}

/** A module's file that whoever starts a tool has opened already. */
export interface GivenModule {
  readonly file: ModuleFile;
  /** What the module is called: by its file, as for whatever path modprobe is given, or by the kernel that has loaded it. */
  readonly name: string;
}

/** Where a tool runs: what it sees, and where it writes. */
export interface ToolHost<Wait> {
  /** Everything that is read; absolute paths, and those relative to where the user is. */
  readonly files: FileSource;
  /** What its path, as a word of the command line, stands for wherever it lies. */
  readonly given?: GivenModule;
  /** Makes a path absolute, as messages name it. */
  absolute(path: string): string;
  /** Where tools may write; undefined where nothing can be written. */
  readonly writer?: FileWriter;
  /** `uname -r`. */
  readonly release: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly kernel: RunningKernel<Wait>;
  /** The modules of /lib/modules/RELEASE, where they are open already. */
  readonly modules?: ModuleTree;
  /** Keeps the index of trees that depmod never saw. */
  readonly indexCache?: IndexCache;
  out(data: string | Uint8Array): void;
  err(text: string): void;
}

/** One of kmod's commands: `args` are without its name. The result is the exit status. */
export type Tool = <Wait>(host: ToolHost<Wait>, args: readonly string[]) => Steps<Wait, number>;

/** A tool that runs to its end here and now: nothing in it may wait. */
export function runToEnd(steps: Steps<never, number>): number {
  const { done, value } = steps.next();
  if (!done) throw new Error('a tool waits where nothing can be waited for');
  return value;
}

/** The same host with another standard output. */
export function redirected<Wait>(
  host: ToolHost<Wait>,
  out: (data: string | Uint8Array) => void,
): ToolHost<Wait> {
  const { files, given, writer, release, environment, kernel, modules, indexCache } = host;
  return {
    files,
    ...(given && { given }),
    absolute: (path) => host.absolute(path),
    ...(writer && { writer }),
    release,
    environment,
    kernel,
    ...(modules && { modules }),
    ...(indexCache && { indexCache }),
    out,
    err: (text) => host.err(text),
  };
}
