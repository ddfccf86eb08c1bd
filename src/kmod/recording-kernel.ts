import type { FileSource } from '../files/file-source.js';
import type { ModuleFile } from '../formats/module-file.js';
import { errnoName, errnoNumber, strerror } from '../linux/errno.js';
import { FileTreeKernel } from './file-tree-kernel.js';
import { KmodError } from './kmod-error.js';
import { moduleNameOf } from './names.js';
import { moduleOf } from './open-module.js';
import type {
  CallOutcome,
  InsertFlags,
  ListedModule,
  ModuleState,
  RunningKernel,
  Steps,
} from './tools/tool.js';

/** Where answers come from and calls are written to. */
export interface CallRecord {
  /** All that is there. */
  text(): string;
  add(line: string): void;
}

/** Who runs install and remove commands of modprobe.d. */
export interface CommandRunner {
  /** The status of a command that calls kmod's tools and nothing else; undefined of any other, which was not run. */
  byTools(command: string, environment: Readonly<Record<string, string>>): number | undefined;
  /** The status that the host's shell gives. Asked for by `answer system run` alone. */
  byHost(command: string, environment: Readonly<Record<string, string>>): number;
}

/** A line of the record that cannot be followed. */
export class CallRecordError extends Error {
  override readonly name = 'CallRecordError';
}

/** What an earlier line of the record means. */
type Line =
  | { readonly kind: 'answer'; readonly call: string; readonly name: string; readonly errno: number }
  | {
      readonly kind: 'call';
      readonly call: string;
      readonly name: string;
      readonly errno: number;
      /** The file that was inserted. */
      readonly path?: string;
    }
  | { readonly kind: 'system'; readonly status: number | 'run' };

/**
 * A kernel that loads nothing: it answers the calls that would have been made and records them, so that scripts and tests can
 * be run anywhere ($MODBOX_MODULE_CALLS). A line a call:
 *
 *     finit_module NAME PATH "PARAMETERS" FLAGS = 0
 *     delete_module NAME FLAGS = EBUSY
 *     system "COMMAND" = 0
 *
 * Lines that somebody wrote before answer: `answer finit_module NAME ENOEXEC` (or a number); what they do not name succeeds.
 * A module that was inserted, by this process or by an earlier one with the same record, is live, until it is removed; what
 * else is loaded is what /proc and /sys of the tree say. Commands of modprobe.d that consist of kmod's tools are run by `commands`;
 * others are recorded and count as done, unless a line `answer system STATUS` says otherwise, or `answer system run` hands them all to the
 * host's shell.
 */
export class RecordingKernel implements RunningKernel<never> {
  private readonly tree: FileTreeKernel;
  private slept = 0;
  /** Who runs install and remove commands; without one they are recorded only. */
  commands: CommandRunner | undefined;

  constructor(
    private readonly files: FileSource,
    private readonly record: CallRecord,
    /** Bytes of memory that a module (its ELF file) would take, where that can be told. */
    private readonly sizeOf: (elf: Uint8Array) => number | undefined = () => undefined,
  ) {
    this.tree = new FileTreeKernel(files);
  }

  list(): readonly ListedModule[] | undefined {
    const changed = this.changes();
    const before = (this.tree.list() ?? []).filter(({ name }) => !changed.has(name));
    const inserted = [...changed].filter(([, live]) => live).reverse();
    const paths = this.insertedPaths();
    return [
      ...inserted.map(([name]) => ({ name, size: this.size(paths.get(name)), refcount: 0, holders: [] })),
      ...before,
    ];
  }

  state(name: string): ModuleState {
    const live = this.changes().get(name);
    if (live === undefined) return this.tree.state(name);
    return live ? 'live' : 'absent';
  }

  refcount(name: string): number | undefined {
    const live = this.changes().get(name);
    if (live === false) return undefined;
    return this.tree.refcount(name) ?? (live ? 0 : undefined);
  }

  holders(name: string): readonly string[] {
    return this.tree.holders(name).filter((holder) => this.changes().get(holder) !== false);
  }

  // biome-ignore lint/correctness/useYield: nothing waits here, and callers step through a generator
  *insert(file: ModuleFile, parameters: string, flags: InsertFlags): Steps<never, CallOutcome> {
    const name = nameOf(file);
    const bits = (flags.forceModversion ? 1 : 0) | (flags.forceVermagic ? 2 : 0);
    return this.call('finit_module', name, `${file.path} ${JSON.stringify(parameters)} ${bits}`);
  }

  // biome-ignore lint/correctness/useYield: as above
  *remove(name: string, force: boolean): Steps<never, CallOutcome> {
    return this.call('delete_module', name, force ? 'O_NONBLOCK|O_TRUNC' : 'O_NONBLOCK');
  }

  // biome-ignore lint/correctness/useYield: as above
  *shell(command: string, environment: Readonly<Record<string, string>>): Steps<never, number> {
    const status = this.status(command, environment);
    this.record.add(`system ${JSON.stringify(command)} = ${status}`);
    return status;
  }

  // biome-ignore lint/correctness/useYield: as above
  *sleep(milliseconds: number): Steps<never, void> {
    this.slept += milliseconds;
  }

  now(): number {
    return this.slept;
  }

  private call(call: string, name: string, words: string): CallOutcome {
    const errno = this.answer(call, name);
    this.record.add(`${call} ${name} ${words} = ${errno === 0 ? '0' : errnoName(errno)}`);
    return errno === 0 ? { errno } : { errno, why: `MODBOX_MODULE_CALLS answers ${strerror(errno)}` };
  }

  private status(command: string, environment: Readonly<Record<string, string>>): number {
    const asked = this.lines()
      .flatMap((line) => (line.kind === 'system' ? [line.status] : []))
      .at(-1);
    if (typeof asked === 'number') return asked;
    if (asked === 'run') {
      if (this.commands) return this.commands.byHost(command, environment);
      throw new CallRecordError('MODBOX_MODULE_CALLS: there is no shell here for answer system run');
    }
    return this.commands?.byTools(command, environment) ?? 0;
  }

  /** Which file each module was inserted from last. */
  private insertedPaths(): Map<string, string> {
    const paths = new Map<string, string>();
    for (const line of this.lines())
      if (line.kind === 'call' && line.path !== undefined) paths.set(line.name, line.path);
    return paths;
  }

  /** As far as the file, which may be gone by now, tells it. */
  private size(path: string | undefined): number {
    const packed = path === undefined ? undefined : this.files.read(path);
    if (!packed || path === undefined) return 0;
    try {
      return this.sizeOf(moduleOf(packed, path).elf.bytes) ?? 0;
    } catch (error) {
      if (!(error instanceof KmodError)) throw error;
      return 0;
    }
  }

  private answer(call: string, name: string): number {
    const found = this.lines().flatMap((line) =>
      line.kind === 'answer' && sameCall(line.call, call) && line.name === name ? [line.errno] : [],
    );
    return found.at(-1) ?? 0;
  }

  /** Modules that calls put in (true) or took out (false), in the order of their last change. */
  private changes(): Map<string, boolean> {
    const changed = new Map<string, boolean>();
    for (const line of this.lines()) {
      if (line.kind !== 'call' || line.errno !== 0) continue;
      const { call, name } = line;
      changed.delete(name);
      changed.set(name, call === 'finit_module');
    }
    return changed;
  }

  private lines(): Line[] {
    return this.record.text().split('\n').flatMap(lineOf);
  }
}

function lineOf(text: string): Line[] {
  const answer = /^answer\s+(init_module|finit_module|delete_module)\s+(\S+)\s+(\S+)\s*$/.exec(text);
  if (answer) {
    const [, call, name, errno] = answer;
    return [{ kind: 'answer', call, name: moduleNameOf(name), errno: errnoIn(errno) }];
  }
  const system = /^answer\s+system\s+(\d+|run)\s*$/.exec(text);
  if (system) return [{ kind: 'system', status: system[1] === 'run' ? 'run' : Number(system[1]) & 0xff }];
  const made = /^(finit_module|delete_module)\s+(\S+)\s.* = (\S+)$/.exec(text);
  if (!made) return [];
  const path = /^finit_module \S+ (.*) ".*" \d+ = \S+$/.exec(text)?.[1];
  return [
    {
      kind: 'call',
      call: made[1],
      name: made[2],
      errno: errnoIn(made[3]),
      ...(path !== undefined && { path }),
    },
  ];
}

/** `ENOENT` or `2`. */
function errnoIn(text: string): number {
  const errno = /^\d+$/.test(text) ? Number(text) : errnoNumber(text);
  if (errno === undefined) throw new CallRecordError(`MODBOX_MODULE_CALLS: ${text} is no error's name`);
  return errno;
}

/** modbox inserts by finit_module alone; answers may call it by its older name. */
function sameCall(given: string, made: string): boolean {
  return given === made || (given === 'init_module' && made === 'finit_module');
}

/** The module's own name; its file's where it says none. */
function nameOf({ bytes, path }: ModuleFile): string {
  try {
    const name = moduleOf(bytes, path)
      .modinfoStrings()
      .find((text) => text.startsWith('name='));
    if (name !== undefined) return moduleNameOf(name.slice('name='.length));
  } catch (error) {
    if (!(error instanceof KmodError)) throw error;
  }
  return moduleNameOf(path);
}
