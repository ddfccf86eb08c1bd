import { Mounts } from '../../../freebsd/fs/mounts.js';
import { VnodeTree } from '../../../freebsd/fs/vnode-nodes.js';
import { AppletUsageError, parseFlags } from '../../shell/applet.js';
import type { Applet, AppletContext } from './applet.js';

/** Types that mount(8) has a program for; they name the directory where they fail, mount(8) itself names what is mounted. */
const PROGRAMS: ReadonlySet<string> = new Set([
  'cd9660',
  'msdosfs',
  'nfs',
  'nullfs',
  'smbfs',
  'udf',
  'unionfs',
]);

/** Flags as the list of mounts names them. */
const FLAGS: readonly (readonly [macro: string, text: string])[] = [
  ['MNT_LOCAL', 'local'],
  ['MNT_NOEXEC', 'noexec'],
  ['MNT_NOSUID', 'nosuid'],
  ['MNT_RDONLY', 'read-only'],
  ['MNT_UNION', 'union'],
];

/** mount(8). */
export const mountApplet: Applet = {
  name: 'mount',
  usage: 'mount [-r] [-t TYPE] [-o OPTIONS] [SPECIAL NODE]',
  summary: 'Mounts a file system, or lists what is mounted.',
  *run(context) {
    const { flags, values, operands } = parseFlags(context.args, ['o=', 'r', 't=', 'w']);
    if (operands.length === 0) return list(context);
    const [from, node] = operands;
    const type = values.get('t');
    if (node === undefined || type === undefined) throw new AppletUsageError('give a type, what, and where');
    const given = (values.get('o') ?? '').split(',').filter(Boolean);
    if (flags.has('r')) given.push('ro');
    const options = new Map(
      given.map((option) => [option.split('=')[0], option.split('=').slice(1).join('=')]),
    );
    const target = context.path(node);
    const { kernel } = context.machine;
    const result = yield* kernel.get(VnodeTree).mount({ type, from, target, options });
    if (result.errno === 0) return 0;
    const [program, what] = PROGRAMS.has(type) ? [`mount_${type}`, target] : ['mount', from];
    const words = [program, what, result.message, context.message(-result.errno)].filter(
      (word) => word !== '',
    );
    context.io.err(`${words.join(': ')}\n`);
    return 1;
  },
};

function list({ io, machine: { kernel } }: AppletContext): number {
  const mount = kernel.struct('mount');
  for (const { source, target, type } of kernel.files.mounts) {
    const one = kernel.get(Mounts).list.find((mounted) => mounted.target === target);
    const flags = one ? mount.getBig(one.mp, 'mnt_flag') : 0n;
    const set = FLAGS.filter(([macro]) => (flags & BigInt(kernel.macro(macro))) !== 0n).map(
      ([, text]) => text,
    );
    io.out(`${source} on ${target} (${[type, ...set].join(', ')})\n`);
  }
  return 0;
}

/** umount(8). */
export const umountApplet: Applet = {
  name: 'umount',
  usage: 'umount [-f] NODE...',
  summary: 'Unmounts file systems.',
  *run({ args, io, path, message, machine: { kernel } }) {
    const { flags, operands } = parseFlags(args, ['f']);
    if (operands.length === 0) throw new AppletUsageError('which file system?');
    let status = 0;
    for (const node of operands) {
      const found = yield* kernel.files.resolve(path(node));
      const target = typeof found === 'number' ? path(node) : found.path;
      const mounted = kernel.get(Mounts).list.some((one) => one.target === target);
      if (!mounted) io.err(`umount: ${node}: not a file system root directory\n`);
      const errno = mounted ? yield* kernel.get(VnodeTree).unmount(target, flags.has('f')) : 0;
      if (errno !== 0) io.err(`umount: unmount of ${target} failed: ${message(-errno)}\n`);
      if (!mounted || errno !== 0) status = 1;
    }
    return status;
  },
};
