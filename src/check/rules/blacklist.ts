import type { Reason } from '../reason.js';
import type { Case } from './rule.js';

/** The boot parameter module_blacklist=, and what modprobe.d says of the module (modprobe.d(5)). */
export function* checkBlacklist({ module, kernel }: Case): Generator<Reason> {
  const { name } = module;
  if (kernel.blacklist.includes(name)) {
    yield {
      kind: 'blacklist',
      where: 'module_blacklist=',
      effect: 'refused',
      errno: 'EPERM',
      text: 'the boot parameter module_blacklist has it',
    };
  }
  const { config } = kernel;
  if (config?.blacklist.includes(name)) {
    yield {
      kind: 'blacklist',
      where: 'modprobe.d',
      effect: 'note',
      text: `blacklisted in modprobe.d: its aliases do not load it, modprobe ${name} does`,
    };
  }
  const install = config?.install.find((line) => line.module === name);
  if (install)
    yield {
      kind: 'blacklist',
      where: 'modprobe.d',
      effect: 'note',
      text: `modprobe.d has a command in its place, which modprobe runs: ${install.text}`,
    };
}
