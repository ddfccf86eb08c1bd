import type { KldTool } from '../../../kld/host.js';
import { kldxref } from '../../../kld/kldxref/kldxref.js';
import { kenv } from '../../../kld/tools/kenv.js';
import { kldconfig } from '../../../kld/tools/kldconfig.js';
import { kldload } from '../../../kld/tools/kldload.js';
import { kldstat } from '../../../kld/tools/kldstat.js';
import { kldunload } from '../../../kld/tools/kldunload.js';
import { sysctl } from '../../../kld/tools/sysctl/sysctl.js';
import type { Applet } from './applet.js';

function toolApplet(usage: string, summary: string, tool: KldTool): Applet {
  return {
    name: usage.split(' ')[0],
    usage,
    summary,
    hasHelp: true,
    run: ({ machine, args, io, path }) => machine.runTool(tool, args, io, path),
  };
}

export const kldloadApplet = toolApplet('kldload [-nqv] FILE...', 'Loads files into the kernel.', kldload);
export const kldunloadApplet = toolApplet(
  'kldunload [-fv] [-i ID | -n NAME | NAME]...',
  'Unloads files from the kernel.',
  kldunload,
);
export const kldstatApplet = toolApplet(
  'kldstat [-dhqv] [-i ID] [-n FILE] [-m MODULE]',
  'Lists the files in the kernel, and their modules.',
  kldstat,
);
export const kldconfigApplet = toolApplet(
  'kldconfig [-dfimnrUv] [-S NAME] [PATH]...',
  'Shows or changes where the kernel looks for files.',
  kldconfig,
);
export const kenvApplet = toolApplet(
  'kenv [-hNq] [-l | -s] [-v] [-u] [NAME[=VALUE]]',
  "Shows or changes the kernel's environment.",
  kenv,
);
export const sysctlApplet = toolApplet(
  'sysctl [-aBbdehiNnoqTtWxX] [-f FILE] [NAME[=VALUE]]...',
  'Shows or changes what the kernel tells of itself.',
  sysctl,
);

/** kldxref(8): linker.hints is written into the machine's tree. */
export const kldxrefApplet: Applet = {
  name: 'kldxref',
  usage: 'kldxref [-Rdv] [-f HINTSFILE] PATH...',
  summary: 'Makes linker.hints of directories with klds.',
  hasHelp: true,
  *run({ machine, args, io, path }) {
    const { tree } = machine;
    const files = tree.from(path);
    const writer = {
      replace: (file: string, bytes: Uint8Array) => tree.replace(path(file), bytes),
      remove: (file: string) => tree.remove(path(file)),
    };
    return kldxref({ files, writer, out: (data) => io.out(data), err: (text) => io.err(text) }, args);
  },
};
