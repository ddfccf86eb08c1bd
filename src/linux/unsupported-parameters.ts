import { bootParameter } from './boot-parameters.js';

/**
 * Boot parameters that concern modules or their faults and that the base kernel does not act on
 * (Documentation/admin-guide/kernel-parameters.rst), with what they would do.
 */
const UNSUPPORTED: Readonly<Record<string, string>> = {
  panic_on_taint: 'a panic as soon as the kernel is tainted so',
  panic_on_warn: 'a panic at the first warning',
  oops: 'a panic at the first oops',
  'module.async_probe': 'probes of drivers in the background: here they come one after the other',
  'module.enable_dups_trace': 'warnings of requests for a module that is being loaded',
  async_probe: 'probes of the named drivers in the background',
};

/** Sysctls on the command line, which the real kernel sets before init runs. */
const SYSCTL = /(?:^|\s)(sysctl\.[^\s=]+)/g;

/** A line for each boot parameter that is given and does nothing here. */
export function unsupportedParameters(cmdline: string): string[] {
  const given = Object.entries(UNSUPPORTED).filter(([name]) => bootParameter(cmdline, name) !== undefined);
  return [
    ...given.map(([name, words]) => `the boot parameter ${name} is not implemented: ${words}`),
    ...[...cmdline.matchAll(SYSCTL)].map(
      ([, name]) => `the boot parameter ${name} is not implemented: write the file below /proc/sys`,
    ),
  ];
}
