import { type Applet, AppletUsageError, message, parseFlags } from './applet.js';

const MS_RDONLY = 1;

export const mountApplet: Applet = {
  name: 'mount',
  usage: 'mount [-t TYPE] [-o OPTIONS] [DEVICE DIRECTORY]',
  summary: 'Mounts a file system, or lists what is mounted.',
  *run(context) {
    const { values, operands } = parseFlags(context.args, ['t=', 'o=', 'a', 'n', 'r']);
    const { io, machine, vfs } = context;
    if (operands.length === 0) {
      for (const { source, target, type, options } of machine.kernel.files.mounts)
        io.out(`${source} on ${target} type ${type} (${options || 'rw'})\n`);
      return 0;
    }
    const [source, directory] = operands;
    if (directory === undefined) throw new AppletUsageError('give a device and a directory');
    const options = (values.get('o') ?? '').split(',').filter(Boolean);
    const data = options.filter((option) => option !== 'ro' && option !== 'rw').join(',');
    const flags = options.includes('ro') ? MS_RDONLY : 0;
    const result = yield* vfs.mount(values.get('t') ?? '', source, context.path(directory), flags, data);
    if (result === 0) return 0;
    io.err(`mount: mounting ${source} on ${directory} failed: ${message(result)}\n`);
    return 1;
  },
};

export const umountApplet: Applet = {
  name: 'umount',
  usage: 'umount DIRECTORY...',
  summary: 'Unmounts file systems.',
  *run(context) {
    let status = 0;
    for (const given of context.args) {
      const result = yield* context.vfs.umount(context.path(given));
      if (result === 0) continue;
      context.io.err(`umount: can't unmount ${given}: ${message(result)}\n`);
      status = 1;
    }
    return status;
  },
};
