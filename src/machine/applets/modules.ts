import type { Effect } from '../../kernel/effects.js';
import { MemoryFiles } from '../../kmod/index.js';
import { insmod } from '../../kmod/tools/insmod.js';
import { lsmod } from '../../kmod/tools/lsmod.js';
import { modprobe } from '../../kmod/tools/modprobe.js';
import { rmmod } from '../../kmod/tools/rmmod.js';
import type { Steps, ToolHost } from '../../kmod/tools/tool.js';
import { machineHost } from '../userland/machine-host.js';
import { modinfo } from '../userland/modinfo.js';
import { type Applet, parseFlags, readModuleFile } from './applet.js';

/** One of kmod's tools as a command of the shell. */
function toolApplet(
  name: string,
  usage: string,
  summary: string,
  tool: (host: ToolHost<Effect>, args: readonly string[]) => Steps<Effect, number>,
): Applet {
  return {
    name,
    usage,
    summary,
    hasHelp: true,
    *run({ machine, io, environment, args, path }) {
      return yield* tool(machineHost(machine, { terminal: io, environment, path }), args);
    },
  };
}

export const insmodApplet = toolApplet(
  'insmod',
  'insmod [-f] FILE [PARAMETER=VALUE]...',
  'Loads a module out of a file.',
  insmod,
);

export const rmmodApplet = toolApplet('rmmod', 'rmmod [-fw] MODULE...', 'Removes modules.', rmmod);

export const modprobeApplet = toolApplet(
  'modprobe',
  'modprobe [-arvqnDRibfc] MODULE [PARAMETER=VALUE]...',
  'Loads a module by name or alias with all it depends on, or removes it.',
  modprobe,
);

export const lsmodApplet = toolApplet('lsmod', 'lsmod', 'Lists the loaded modules.', lsmod);

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
