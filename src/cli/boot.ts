import { type BootOutcome, Machine, type MachineOptions, visible } from '../index.js';

export interface Booted {
  readonly machine: Machine;
  readonly boot: BootOutcome;
}

/**
 * Boots a machine as a system is booted: the kernel, then, as root, the modules that modules-load.d and modules-load= ask
 * for. What fails is told on stderr and does not stop the boot. Commands run as `options.uid` afterwards.
 */
export function bootMachine(options: MachineOptions): Booted {
  const machine = Machine.boot({ ...options, uid: 0 });
  for (const complaint of machine.complaints) process.stderr.write(`modbox: ${complaint}\n`);
  const boot = machine.loadBootModules();
  machine.uid = options.uid ?? 0;
  for (const message of boot.messages) process.stderr.write(`${visible(bootLine(message))}\n`);
  if (boot.culprit !== undefined)
    process.stderr.write(
      `modbox: a fault in ${visible(boot.culprit)} while booting; dmesg shows it. To boot without: --cmdline module_blacklist=${visible(boot.culprit)}\n`,
    );
  return { machine, boot };
}

function bootLine(message: string): string {
  return message.startsWith('modbox: ') ? message : `systemd-modules-load: ${message}`;
}
