import { Uevents } from '../../../linux/kobject/uevent.js';
import { CapturedOutput } from '../../terminal.js';
import type { Machine } from '../machine.js';

const MODALIAS = 'MODALIAS=';

/**
 * systemd-udevd's part in module loading (its 80-drivers.rules): for a device that comes, the modules that its modalias names are loaded, each by a process of its own.
 * What has none, or does not load, is no error of anybody's: the kernel log has what the module said.
 */
export class Udev {
  private readonly stopListening: () => void;

  constructor(private readonly machine: Machine) {
    this.stopListening = machine.kernel.get(Uevents).listen(({ action, env }) => {
      const alias = env.find((variable) => variable.startsWith(MODALIAS))?.slice(MODALIAS.length);
      if (action === 'add' && alias) this.load(alias);
    });
  }

  stop(): void {
    this.stopListening();
  }

  private load(alias: string): void {
    const { machine } = this;
    machine.processes.spawn(
      'udev-worker',
      machine.runModprobe(new CapturedOutput(), ['-b', '-q', '--', alias]),
    );
  }
}
