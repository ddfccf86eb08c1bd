import { IOC_IN, IOC_OUT, ioc } from '../../../freebsd/ioccom.js';
import { UserMemory } from '../../../freebsd/kern/user-memory.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { AppletUsageError, type Flags, parseFlags } from '../../shell/applet.js';
import { meshOf } from '../geom/mesh.js';
import { humanSize, sizeOf } from '../geom/sizes.js';
import type { Applet, AppletContext } from './applet.js';

/** sizeof(struct md_ioctl), and the requests of /dev/mdctl (sys/sys/mdioctl.h). */
const MD_IOCTL = 448;
const MDIOCATTACH = ioc(IOC_IN | IOC_OUT, 'm', 0, MD_IOCTL);
const MDIOCDETACH = ioc(IOC_IN | IOC_OUT, 'm', 1, MD_IOCTL);
const MDIOCRESIZE = ioc(IOC_IN | IOC_OUT, 'm', 4, MD_IOCTL);

/** Options of -o, by their flags; with `no` before them they are taken away. */
const OPTIONS: Readonly<Record<string, string>> = {
  async: 'MD_ASYNC',
  cache: 'MD_CACHE',
  cluster: 'MD_CLUSTER',
  compress: 'MD_COMPRESS',
  force: 'MD_FORCE',
  mustdealloc: 'MD_MUSTDEALLOC',
  readonly: 'MD_READONLY',
  reserve: 'MD_RESERVE',
  verify: 'MD_VERIFY',
};
/** Types of -t, and what they have where nobody says otherwise. */
const TYPES: Readonly<Record<string, { readonly type: string; readonly options: readonly string[] }>> = {
  malloc: { type: 'MD_MALLOC', options: ['MD_AUTOUNIT', 'MD_COMPRESS'] },
  vnode: { type: 'MD_VNODE', options: ['MD_CLUSTER', 'MD_AUTOUNIT', 'MD_COMPRESS'] },
  swap: { type: 'MD_SWAP', options: ['MD_CLUSTER', 'MD_AUTOUNIT', 'MD_COMPRESS'] },
  null: { type: 'MD_NULL', options: ['MD_CLUSTER', 'MD_AUTOUNIT', 'MD_COMPRESS'] },
};
/** -s without a letter is in sectors of so many bytes. */
const DEV_BSIZE = 512;

/** mdconfig(8): memory disks, with /dev/mdctl of geom_md.ko, which is loaded where it is not there. */
export const mdconfigApplet: Applet = {
  name: 'mdconfig',
  usage:
    'mdconfig -a [-t TYPE] [-n] [-o OPTION]... [-f FILE] [-s SIZE] [-S SECTORSIZE] [-u UNIT] | -d -u UNIT [-o force] | -r -u UNIT -s SIZE | -l [-nv] [-u UNIT]',
  summary: 'Makes, changes and lists memory disks.',
  *run(context) {
    const given = parseFlags(context.args, [
      'a',
      'd',
      'l',
      'n',
      'r',
      'v',
      't=',
      'o=',
      'f=',
      's=',
      'S=',
      'u=',
    ]);
    const { flags, operands } = given;
    const actions = ['a', 'd', 'l', 'r'].filter((flag) => flags.has(flag));
    if (actions.length > 1) throw new AppletUsageError('one of -a, -d, -l and -r');
    if (actions[0] === 'l') return yield* list(context, given);
    if (actions[0] === 'd') return yield* change(context, given, MDIOCDETACH);
    if (actions[0] === 'r') return yield* change(context, given, MDIOCRESIZE);
    if (actions.length === 0 && operands.length === 0 && !given.values.has('f'))
      throw new AppletUsageError('one of -a, -d, -l and -r');
    return yield* attach(context, given);
  },
};

interface Request {
  readonly options: number;
  readonly members: Readonly<Record<string, number>>;
  readonly file?: string;
}

function optionsOf({ machine, args }: AppletContext, start: number): number {
  let options = start;
  const given = args.flatMap((arg, i) => {
    if (arg === '-o') return (args[i + 1] ?? '').split(',');
    return arg.startsWith('-o') ? arg.slice(2).split(',') : [];
  });
  for (const word of given) {
    const isOff = !(word in OPTIONS) && word.startsWith('no');
    const flag = OPTIONS[isOff ? word.slice(2) : word];
    if (flag === undefined) throw new AppletUsageError(`unknown option: ${word}`);
    const bit = machine.kernel.macro(flag);
    options = isOff ? options & ~bit : options | bit;
  }
  return options;
}

function unitOf(text: string): number {
  const match = /^(?:\/dev\/)?(?:md)?(\d+)$/.exec(text);
  if (!match) throw new AppletUsageError(`bad unit: ${text}`);
  return Number(match[1]);
}

function* attach(context: AppletContext, { flags, values, operands }: Flags): Sleepable<number> {
  const { machine, vfs, io, path, message } = context;
  const k = machine.kernel;
  const file = values.get('f') ?? operands[0];
  const name = values.get('t') ?? (file === undefined ? 'swap' : 'vnode');
  const kind = TYPES[name];
  if (!kind) {
    io.err(`mdconfig: unknown type: ${name}\n`);
    return 1;
  }
  if ((name === 'vnode') !== (file !== undefined)) {
    io.err(name === 'vnode' ? 'mdconfig: -f is required for vnode\n' : 'mdconfig: -f only for vnode\n');
    return 1;
  }
  let size = values.has('s') ? sizeOf(values.get('s') as string, DEV_BSIZE) : undefined;
  let options = kind.options.reduce((bits, option) => bits | k.macro(option), 0);
  if (file !== undefined) {
    const found = yield* vfs.stat(path(file));
    if (typeof found === 'number') {
      io.err(`mdconfig: could not open ${file}: ${message(found)}\n`);
      return 1;
    }
    if ((found.mode & 0o222) === 0) options |= k.macro('MD_READONLY');
    size ??= found.size;
  }
  if (size === undefined) {
    io.err(
      values.has('s')
        ? `mdconfig: bad size: ${values.get('s')}\n`
        : 'mdconfig: must specify -s for -t malloc, swap and null\n',
    );
    return 1;
  }
  options = optionsOf(context, options);
  const unit = values.get('u');
  if (unit !== undefined) options &= ~k.macro('MD_AUTOUNIT');
  const members = {
    md_type: k.enumValue(kind.type),
    md_mediasize: size,
    md_sectorsize: values.has('S') ? (sizeOf(values.get('S') as string) ?? 0) : 0,
    md_unit: unit === undefined ? 0 : unitOf(unit),
  };
  const made = yield* request(context, MDIOCATTACH, {
    options,
    members,
    ...(file !== undefined && { file: path(file) }),
  });
  if (typeof made === 'number') return made;
  if (unit === undefined) io.out(`${flags.has('n') ? '' : 'md'}${made.unit}\n`);
  return 0;
}

function* change(context: AppletContext, { values, operands }: Flags, command: number): Sleepable<number> {
  const unit = values.get('u') ?? operands[0];
  if (unit === undefined) throw new AppletUsageError('-u UNIT is needed');
  const size = values.has('s') ? sizeOf(values.get('s') as string, DEV_BSIZE) : undefined;
  if (command === MDIOCRESIZE && size === undefined) throw new AppletUsageError('-s SIZE is needed');
  const members = { md_unit: unitOf(unit), md_mediasize: size ?? 0 };
  const made = yield* request(context, command, { options: optionsOf(context, 0), members });
  return typeof made === 'number' ? made : 0;
}

/** A request to /dev/mdctl: the unit, or an exit status. */
function* request(
  context: AppletContext,
  command: number,
  { options, members, file }: Request,
): Sleepable<{ readonly unit: number } | number> {
  const { machine, vfs, io, message } = context;
  const k = machine.kernel;
  let fd = yield* vfs.openAs('/dev/mdctl', 'read');
  if (fd < 0) {
    yield* machine.klds.load('geom_md');
    fd = yield* vfs.openAs('/dev/mdctl', 'read');
  }
  if (fd < 0) {
    io.err(`mdconfig: open(/dev/mdctl): ${message(fd)}\n`);
    return 1;
  }
  const type = k.struct('md_ioctl');
  const user = k.get(UserMemory);
  const at = user.allocate(type.size);
  const text = user.store(Uint8Array.from(`${file ?? ''}\0`, (char) => char.charCodeAt(0)));
  k.space.writable(at, type.size).fill(0);
  type.set(at, 'md_version', k.macro('MDIOVERSION'));
  type.set(at, 'md_options', options);
  if (file !== undefined) type.set(at, 'md_file', text);
  for (const [member, value] of Object.entries(members)) type.set(at, member, value);
  const bytes = k.space.readable(at, type.size).slice();
  const result = yield* vfs.ioctl(fd, command, bytes);
  yield* vfs.close(fd);
  k.space.writable(at, type.size).set(bytes);
  const unit = type.get(at, 'md_unit');
  user.free(text);
  user.free(at);
  if (result >= 0) return { unit };
  io.err(`mdconfig: ioctl(/dev/mdctl): ${message(result)}\n`);
  return 1;
}

function* list({ machine, io }: AppletContext, { flags, values }: Flags): Sleepable<number> {
  const geoms = (yield* meshOf(machine, 'MD')) ?? [];
  const wanted = values.get('u');
  const shown = geoms
    .flatMap(({ config, providers }) => providers.map((provider) => ({ config, provider })))
    .filter(({ provider }) => wanted === undefined || provider.name === `md${unitOf(wanted)}`)
    .sort((a, b) => unitOf(a.provider.name) - unitOf(b.provider.name));
  const names = shown.map(({ provider }) => (flags.has('n') ? provider.name.slice(2) : provider.name));
  if (!flags.has('v')) {
    if (names.length > 0) io.out(`${names.join(' ')}\n`);
    return shown.length > 0 || wanted === undefined ? 0 : 1;
  }
  for (const [i, { config, provider }] of shown.entries()) {
    const of = new Map([...config, ...provider.config]);
    const size = humanSize(provider.mediasize).padStart(6);
    io.out(`${names[i]}\t${of.get('type') ?? '-'}\t${size}\t${of.get('file') ?? '-'}\n`);
  }
  return shown.length > 0 || wanted === undefined ? 0 : 1;
}
