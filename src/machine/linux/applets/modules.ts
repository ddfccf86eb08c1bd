import type { Effect } from '../../../kernel/effects.js';
import { insmod } from '../../../kmod/tools/insmod.js';
import { lsmod } from '../../../kmod/tools/lsmod.js';
import { modinfo } from '../../../kmod/tools/modinfo.js';
import { modprobe } from '../../../kmod/tools/modprobe.js';
import { rmmod } from '../../../kmod/tools/rmmod.js';
import type { Steps, ToolHost } from '../../../kmod/tools/tool.js';
import { machineHost } from '../userland/machine-host.js';
import type { Applet } from './applet.js';

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
      const start = { terminal: io, environment, path, outside: machine.hostFiles };
      return yield* tool(machineHost(machine, start), args);
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

export const modinfoApplet = toolApplet(
  'modinfo',
  'modinfo [-0adlnp] [-F FIELD] MODULE|FILE...',
  'Shows what a module says of itself.',
  modinfo,
);
