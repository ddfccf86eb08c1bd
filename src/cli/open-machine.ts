import { existsSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import {
  DiskFiles,
  DiskIndexCache,
  type FileSource,
  type LinuxTarget,
  linuxTarget,
  type MachineOptions,
  MemoryFiles,
  ModuleFile,
  ModuleFolder,
  type NativeMode,
  nodeVerifier,
  type RunSubject,
  readGiven,
  saidBy,
  TargetStore,
  UsageError,
  userTranslations,
} from '../index.js';
import { certificatesOf } from './certificates.js';
import { openRoot } from './open-root.js';
import { PackagedModules } from './packaged-modules.js';

/** uid_t has 32 bits, and -1 is nobody at all. */
const LAST_UID = 0xffff_fffe;

/** Options of every command that boots a machine. */
export const MACHINE_OPTIONS = {
  target: { type: 'string' },
  root: { type: 'string' },
  cmdline: { type: 'string' },
  seed: { type: 'string' },
  key: { type: 'string', multiple: true },
  user: { type: 'string' },
  lenient: { type: 'boolean' },
  native: { type: 'string' },
} as const;

export interface MachineFlags {
  readonly target?: string | undefined;
  readonly root?: string | undefined;
  readonly cmdline?: string | undefined;
  readonly seed?: string | undefined;
  readonly key?: readonly string[] | undefined;
  readonly user?: string | undefined;
  readonly lenient?: boolean | undefined;
  readonly native?: string | undefined;
}

export const MACHINE_HELP = `  --target T        the kernel to be (default: the one whose vermagic the module carries, else the bundled one)
  --root DIR        the machine's file tree: DIR/lib/modules/RELEASE, DIR/etc/modprobe.d, ...; a .deb, a tar
                    archive or an initramfs too (default: the modules of the tree that MODULE's file lies in, else the
                    tree or package that the target was added from)
  --cmdline TEXT    kernel boot parameters
  --key CERT        a certificate that the kernel trusts for modules besides its own; PEM or DER (repeatable)
  --user UID        the user that commands run as, by number (default 0, root); run loads and removes as root
  --lenient         takes what the real kernel takes though it is not safe (a licence with a NUL in it, too small a
                    struct module)
  --native off|auto whether functions that only the target's own kernel image has may run from it (default auto: those
                    that its analysis allows; the image is there once the kernel was added with modbox target add)
  --seed N          decides interleavings and random numbers (default 0)
`;

/** What a machine is booted from, by what the command line says. */
export function machineOptions(flags: MachineFlags, subject?: RunSubject): MachineOptions {
  const target = chooseTarget(flags.target, subject);
  if (flags.native !== 'off') tellOfStaleImage(target);
  const seed = Number(flags.seed ?? 0);
  if (!Number.isSafeInteger(seed)) throw new UsageError(`--seed ${flags.seed}: not a number`);
  return {
    target,
    files: flags.root === undefined ? defaultFiles(subject, target) : openRoot(flags.root),
    hostFiles: new DiskFiles(''),
    cmdline: flags.cmdline ?? '',
    seed,
    lenient: flags.lenient ?? false,
    native: nativeMode(flags.native),
    uid: userOf(flags.user),
    trust: { keys: certificatesOf(flags.key ?? []), verifier: nodeVerifier },
    indexCache: new DiskIndexCache(),
    translations: userTranslations() ?? false,
  };
}

const toldOf = new Set<string>();

/** What nobody would notice: the kernel's own code does not run. */
function tellOfStaleImage({ name, image }: LinuxTarget): void {
  if (image || toldOf.has(name) || !new TargetStore().hasStaleImage(name)) return;
  toldOf.add(name);
  process.stderr.write(
    `modbox: the image of ${name} was stored by another version of modbox and is not used: modbox target add its package or tree again\n`,
  );
}

function nativeMode(given = 'auto'): NativeMode {
  if (given === 'off' || given === 'auto') return given;
  throw new UsageError(`--native ${given}: neither off nor auto`);
}

function userOf(given = '0'): number {
  if (given === 'root') return 0;
  const uid = Number(given);
  if (!/^\d+$/.test(given) || uid > LAST_UID)
    throw new UsageError(`--user ${given}: not a user's number (0 to ${LAST_UID})`);
  return uid;
}

/**
 * Without --root: the modules of the tree that the module's file lies in, else the target's own tree. The rest of the host
 * is not the machine's: of a target that was added from '/', too, it has the modules only.
 */
function defaultFiles(subject: RunSubject | undefined, target: LinuxTarget): FileSource {
  const above = rootOf(subject, target);
  if (above !== undefined) return new ModuleFolder(new DiskFiles(above), target.release);
  // A tree that is gone is no reason not to boot.
  if (target.tree === undefined || !existsSync(target.tree)) return new MemoryFiles();
  const { tree } = target;
  if (!statSync(tree).isDirectory()) return new PackagedModules(() => openRoot(tree), target.release);
  const files = openRoot(tree);
  return files instanceof DiskFiles && resolve(tree) === '/'
    ? new ModuleFolder(files, target.release)
    : files;
}

function chooseTarget(name: string | undefined, subject: RunSubject | undefined): LinuxTarget {
  if (name !== undefined) return linuxTarget(new TargetStore().get(name));
  const store = new TargetStore();
  if (subject?.kind !== 'file') return store.bundled();
  // What is wrong with the file is told when it is loaded.
  const vermagic = saidBy(subject.file, ({ modinfo }) => modinfo.get('vermagic'));
  const bundled = store.bundled();
  if (vermagic === undefined || vermagic.trim() === bundled.vermagic.trim()) return bundled;
  return store.findByVermagic(vermagic) ?? bundled;
}

/** The tree that a module's file lies in: what is above its lib/modules/RELEASE. */
function rootOf(subject: RunSubject | undefined, target: LinuxTarget): string | undefined {
  if (subject?.kind !== 'file') return undefined;
  const marker = `/lib/modules/${target.release}/`;
  const path = resolve(subject.file.path);
  const at = path.indexOf(marker);
  return at < 0 ? undefined : path.slice(0, at) || '/';
}

/** A module as the command line names it: a file, or a name to find in the tree. */
export function subjectOf(given: string): RunSubject {
  const looksLikeFile = given.includes('/') || /\.ko(\.(gz|xz|zst))?$/.test(given);
  if (!looksLikeFile) return { kind: 'name', name: given };
  return { kind: 'file', file: new ModuleFile(given, readGiven(given)) };
}
