import { parseTaint } from '../../../linux/traps/taint-words.js';
import { taintsOf, taintText } from '../taints.js';
import { type Applet, AppletUsageError, parseFlags } from './applet.js';

export const taintApplet: Applet = {
  name: 'taint',
  usage: 'taint [--json] [MASK]',
  summary: "Explains the kernel's taints and names who caused each, or explains a mask.",
  // biome-ignore lint/correctness/useYield: an applet that never waits
  *run({ args, machine, io }) {
    const { flags, operands } = parseFlags(args, ['j'], { j: 'json' });
    if (operands.length > 0) {
      const mask = parseTaint(operands.join(' '));
      if (mask === undefined) throw new AppletUsageError(`'${operands.join(' ')}' is no taint mask`);
      io.out(taintText(mask));
      return 0;
    }
    const { kernel } = machine;
    const taints = taintsOf(kernel);
    io.out(
      flags.has('j') ? `${JSON.stringify(taints)}\n` : taintText(BigInt(kernel.traps.taint.mask), taints),
    );
    return 0;
  },
};
