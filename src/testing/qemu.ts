import { spawnSync } from 'node:child_process';

/** Whether QEMU is installed: tests with its devices are skipped elsewhere. */
export function hasQemu(): boolean {
  return spawnSync('qemu-system-x86_64', ['--version'], { stdio: 'ignore' }).status === 0;
}
