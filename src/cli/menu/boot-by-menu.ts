import { loadBundled, type MachineOptions, TargetStore, UsageError } from '../../index.js';
import { type Booted, bootMachine } from '../boot.js';
import { INTERRUPTED } from '../failure.js';
import { type MachineFlags, machineOptions } from '../open-machine.js';
import { type BootFault, bootEntries, openMenu } from './boot-menu.js';
import { runMenu } from './terminal.js';

/**
 * Lets the user choose which Linux kernel to boot, and boots it. After a fault in a module that was loaded at boot the menu is there
 * again. Gives the machine, or the status to leave with. Throws UsageError without a terminal.
 */
export async function bootByMenu(
  flags: MachineFlags,
  limits: Pick<MachineOptions, 'interrupt' | 'workLimit'>,
): Promise<Booted | number> {
  const { stdin, stdout } = process;
  if (!stdin.isTTY || !stdout.isTTY) throw new UsageError('shell: --menu needs a terminal');
  const entries = bootEntries(
    new TargetStore().list().flatMap(({ info }) => (info.os === 'linux' ? [info.name] : [])),
    flags.cmdline ?? '',
  );
  const wanted = flags.target === undefined ? loadBundled().name : new TargetStore().get(flags.target).name;
  let target: string = wanted;
  let fault: BootFault | undefined;
  let up: Booted | undefined;
  for (;;) {
    const end = await runMenu(stdin, stdout, openMenu(entries, target, fault));
    if (end === 'interrupted') return INTERRUPTED;
    if (end.kind === 'leave') return 0;
    if (end.kind === 'stay' && up) return up;
    if (end.kind !== 'boot') continue;
    const { entry } = end;
    up = bootMachine({
      ...machineOptions({ ...flags, target: entry.target, cmdline: entry.cmdline }),
      ...limits,
    });
    const { culprit, messages } = up.boot;
    if (culprit === undefined) return up;
    target = entry.target;
    fault = { module: culprit, messages };
  }
}
