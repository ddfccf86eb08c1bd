import type { Sleepable } from '../../kernel/effects.js';
import { MemoryFiles } from '../../kmod/index.js';
import { insmodBytes } from '../userland/insmod.js';
import { lsmodText } from '../userland/lsmod.js';
import { modinfo } from '../userland/modinfo.js';
import { modprobeInsert } from '../userland/modprobe-insert.js';
import { modprobeRemove } from '../userland/modprobe-remove.js';
import { rmmod } from '../userland/rmmod.js';
import { type Applet, type AppletContext, message, parseFlags, readModuleFile } from './applet.js';

export const insmodApplet: Applet = {
  name: 'insmod',
  usage: 'insmod FILE [PARAMETER=VALUE]...',
  summary: 'Loads a module out of a file.',
  *run(context) {
    const [file, ...parameters] = context.args.filter((arg, i) => i > 0 || arg !== '--');
    if (file === undefined) {
      context.io.err('insmod: ERROR: missing filename.\n');
      return 1;
    }
    const bytes = yield* readModuleFile(context, file);
    if (typeof bytes === 'number') {
      context.io.err(`insmod: ERROR: could not load module ${file}: ${message(bytes)}\n`);
      return 1;
    }
    return yield* insmodBytes(
      context.machine.system,
      bytes,
      file,
      parameters.map(quoted).join(' '),
      context.io,
    );
  },
};

/** An argument with spaces in its value is given to the kernel in quotes, as kmod does. */
function quoted(argument: string): string {
  const equals = argument.indexOf('=');
  const value = argument.slice(equals + 1);
  return equals >= 0 && value.includes(' ') && !value.startsWith('"')
    ? `${argument.slice(0, equals)}="${value}"`
    : argument;
}

export const rmmodApplet: Applet = {
  name: 'rmmod',
  usage: 'rmmod [-f] [-v] MODULE...',
  summary: 'Removes modules.',
  *run({ args, machine, io }) {
    const { flags, operands } = parseFlags(args, ['f', 'v', 's', 'w'], {
      f: 'force',
      v: 'verbose',
      s: 'syslog',
    });
    if (operands.length === 0) {
      io.err('rmmod: ERROR: missing module name.\n');
      return 1;
    }
    return yield* rmmod(machine.system, operands, { force: flags.has('f'), verbose: flags.has('v') }, io);
  },
};

const MODPROBE_OPTIONS = ['a', 'r', 'v', 'q', 'n', 'D', 'R', 'i', 'f', 'b', 'c', 's', 'S=', 'd=', 'C='];
const MODPROBE_LONG = {
  a: 'all',
  r: 'remove',
  v: 'verbose',
  q: 'quiet',
  n: 'dry-run',
  D: 'show-depends',
  R: 'resolve-alias',
  i: 'ignore-install',
  f: 'force',
  b: 'use-blacklist',
};

export const modprobeApplet: Applet = {
  name: 'modprobe',
  usage: 'modprobe [-arvqnDRib] [--first-time] MODULE [PARAMETER=VALUE]...',
  summary: 'Loads a module by name or alias with all it depends on, or removes it.',
  *run(context) {
    const { flags, operands } = parseFlags(
      context.args,
      [...MODPROBE_OPTIONS, 'first-time', 'ignore-remove', 'remove-holders', 'show'],
      MODPROBE_LONG,
    );
    if (operands.length === 0) {
      context.io.err('modprobe: ERROR: missing parameters. See -h.\n');
      return 1;
    }
    const common = {
      verbose: flags.has('v'),
      quiet: flags.has('q'),
      dryRun: flags.has('n') || flags.has('show'),
      firstTime: flags.has('first-time'),
    };
    if (flags.has('r')) return yield* removeAll(context, operands, { ...common, ...removeFlags(flags) });
    const names = flags.has('a') ? operands : operands.slice(0, 1);
    const parameters = flags.has('a') ? [] : operands.slice(1);
    let status = 0;
    for (const name of names) {
      const options = {
        ...common,
        ignoreInstall: flags.has('i') || flags.has('ignore-install'),
        useBlacklist: flags.has('b'),
        resolveOnly: flags.has('R'),
        showDepends: flags.has('D'),
      };
      const { system } = context.machine;
      const given = parameters.map(quoted).join(' ');
      status = (yield* modprobeInsert(system, name, given, options, context.io)) || status;
    }
    return status;
  },
};

function removeFlags(flags: ReadonlySet<string>): { ignoreRemove: boolean; removeHolders: boolean } {
  return {
    ignoreRemove: flags.has('i') || flags.has('ignore-remove'),
    removeHolders: flags.has('remove-holders'),
  };
}

function* removeAll(
  { machine, io }: AppletContext,
  names: readonly string[],
  options: Parameters<typeof modprobeRemove>[2],
): Sleepable<number> {
  let status = 0;
  for (const name of names) status = (yield* modprobeRemove(machine.system, name, options, io)) || status;
  return status;
}

export const lsmodApplet: Applet = {
  name: 'lsmod',
  usage: 'lsmod',
  summary: 'Lists the loaded modules.',
  // biome-ignore lint/correctness/useYield: an applet that never waits
  *run({ machine, io }) {
    io.out(lsmodText(machine.kernel));
    return 0;
  },
};

export const modinfoApplet: Applet = {
  name: 'modinfo',
  usage: 'modinfo [-0adlnp] [-F FIELD] MODULE|FILE...',
  summary: 'Shows what a module says of itself.',
  *run(context) {
    const { flags, values, operands } = parseFlags(
      context.args,
      ['0', 'a', 'd', 'l', 'n', 'p', 'F=', 'k=', 'b='],
      {
        '0': 'null',
        a: 'author',
        d: 'description',
        l: 'license',
        n: 'filename',
        p: 'parameters',
        F: 'field',
      },
    );
    const shorthand = { a: 'author', d: 'description', l: 'license', n: 'filename', p: 'parm' };
    const short = Object.entries(shorthand).find(([flag]) => flags.has(flag))?.[1];
    const field = values.get('F') ?? short;
    const options = { ...(field && { field }), ...(flags.has('0') && { separator: '\0' }) };
    if (operands.length === 0) {
      context.io.err('modinfo: ERROR: missing module or filename.\n');
      return 1;
    }
    let status = 0;
    for (const name of operands) {
      const bytes = name.includes('/') || name.includes('.ko') ? yield* readModuleFile(context, name) : -1;
      const files = new MemoryFiles(typeof bytes === 'number' ? [] : [[name, bytes]]);
      status = modinfo(context.machine.tree, files, name, options, context.io) || status;
    }
    return status;
  },
};
