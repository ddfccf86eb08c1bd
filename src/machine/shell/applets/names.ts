import { type Applet, AppletUsageError, parseFlags } from '../applet.js';

/** A path without slashes at its end; of nothing but slashes one is left. */
const trimmed = (path: string): string => path.replace(/(?<=.)\/+$/, '');

export const basenameApplet: Applet = {
  name: 'basename',
  usage: 'basename FILE [SUFFIX]',
  summary: 'Prints the last name of a path.',
  // biome-ignore lint/correctness/useYield: an applet that never waits
  *run({ args, io }) {
    const [path, suffix = ''] = args;
    if (path === undefined || args.length > 2) throw new AppletUsageError('which path?');
    const whole = trimmed(path);
    const name = whole === '/' ? whole : whole.slice(whole.lastIndexOf('/') + 1);
    const ends = suffix !== '' && name !== suffix && name.endsWith(suffix);
    io.out(`${ends ? name.slice(0, -suffix.length) : name}\n`);
    return 0;
  },
};

export const dirnameApplet: Applet = {
  name: 'dirname',
  usage: 'dirname FILE',
  summary: 'Prints a path without its last name.',
  // biome-ignore lint/correctness/useYield: an applet that never waits
  *run({ args, io }) {
    const { operands } = parseFlags(args, []);
    const [path] = operands;
    if (path === undefined || operands.length > 1) throw new AppletUsageError('which path?');
    const whole = trimmed(path);
    const slash = whole.lastIndexOf('/');
    io.out(`${slash < 0 ? '.' : trimmed(whole.slice(0, slash + 1))}\n`);
    return 0;
  },
};
