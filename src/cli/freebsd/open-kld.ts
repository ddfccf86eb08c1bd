import { dirname, resolve } from 'node:path';
import {
  BUNDLED_FREEBSD,
  DiskFiles,
  type FileSource,
  type FreebsdMachineOptions,
  type FreebsdTarget,
  isFreebsdElf,
  loadBundled,
  MemoryFiles,
  MountedFiles,
  OverlayFiles,
  type RunSubject,
  TargetStore,
  UsageError,
  userTranslations,
} from '../../index.js';
import type { MachineFlags } from '../open-machine.js';
import { openRoot } from '../open-root.js';

/** Where the files that lie beside a kld are in the machine, and where a single one is. */
const KERNEL_FOLDER = '/boot/kernel';
const MODULES_FOLDER = '/boot/modules';

/** A kld to run, as kldload(8) takes it, and what its machine is booted from. */
export interface KldSubject {
  readonly name: string;
  readonly options: FreebsdMachineOptions;
}

/** The FreeBSD that a command line means: by `--target`, or by a file that says so. Undefined for Linux. */
export function freebsdTargetOf(flags: MachineFlags, subject?: RunSubject): FreebsdTarget | undefined {
  if (flags.target !== undefined) {
    const target = new TargetStore().get(flags.target);
    return target.os === 'freebsd' ? target : undefined;
  }
  return subject?.kind === 'file' && isFreebsdElf(subject.file.bytes)
    ? loadBundled(BUNDLED_FREEBSD)
    : undefined;
}

/** Options of Linux's machines that mean nothing to FreeBSD's. */
const LINUX_ONLY = ['key', 'lenient', 'native', 'user'] as const;

/** What a FreeBSD machine is booted from. `parameters` are tunables: NAME=VALUE. Throws UsageError. */
export function freebsdMachineOptions(
  target: FreebsdTarget,
  flags: MachineFlags,
  parameters: readonly string[] = [],
  subject?: RunSubject,
): FreebsdMachineOptions {
  const useless = LINUX_ONLY.find((name) => flags[name] !== undefined);
  if (useless !== undefined)
    throw new UsageError(`--${useless} is of Linux's machines: ${target.name} has no such thing`);
  const seed = Number(flags.seed ?? 0);
  if (!Number.isSafeInteger(seed)) throw new UsageError(`--seed ${flags.seed}: not a number`);
  const words = (flags.cmdline ?? '').split(/\s+/).filter((word) => word !== '');
  return {
    target,
    seed,
    files: filesOf(flags, subject),
    environment: environmentOf([...words, ...parameters]),
    translations: userTranslations() ?? false,
  };
}

/** A module to run. */
export function kldSubject(
  target: FreebsdTarget,
  flags: MachineFlags,
  subject: RunSubject,
  parameters: readonly string[],
): KldSubject {
  const options = freebsdMachineOptions(target, flags, parameters, subject);
  if (subject.kind === 'name') return { name: subject.name, options };
  const { path } = subject.file;
  return { name: `${flags.root === undefined ? KERNEL_FOLDER : MODULES_FOLDER}/${basename(path)}`, options };
}

/** `--root`, with the file among its modules; else the folder that the file lies in, as the kernel's. */
function filesOf(flags: MachineFlags, subject: RunSubject | undefined): FileSource {
  const root = flags.root === undefined ? undefined : openRoot(flags.root);
  if (subject?.kind !== 'file') return root ?? new MemoryFiles();
  const { path, bytes } = subject.file;
  if (root)
    return new OverlayFiles([new MemoryFiles([[`${MODULES_FOLDER}/${basename(path)}`, bytes]]), root]);
  const own = new MemoryFiles([[`${KERNEL_FOLDER}/${basename(path)}`, bytes]]);
  return new OverlayFiles([own, new MountedFiles(KERNEL_FOLDER, new DiskFiles(dirname(resolve(path))))]);
}

function environmentOf(words: readonly string[]): ReadonlyMap<string, string> {
  const environment = new Map<string, string>();
  for (const word of words) {
    const at = word.indexOf('=');
    if (at < 1) throw new UsageError(`${word} is no tunable (NAME=VALUE)`);
    environment.set(word.slice(0, at), word.slice(at + 1));
  }
  return environment;
}

function basename(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
