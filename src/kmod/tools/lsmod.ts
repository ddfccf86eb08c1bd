import { ENOENT, strerror } from '../../linux/errno.js';
import { moduleName } from '../names.js';
import { untilExit } from './open-log.js';
import { tellIndexConfig } from './open-tree.js';
import { simpleOptions } from './simple-options.js';
import type { Steps, Tool, ToolHost } from './tool.js';

const HELP = `Usage:
	lsmod [options]
Options:
	-s, --syslog      print to syslog, not stderr
	-v, --verbose     enables more messages
	-V, --version     show version
	-h, --help        show this help
`;

/** lsmod(8) of kmod 34; `--json` lists the modules as JSON: see README.md. */
export const lsmod: Tool = listAs('lsmod');

/** lsmod, by the name that it is called by. */
export function listAs(program: string): Tool {
  return (host, args) => untilExit(host, program, run(host, program, args));
}

function* run<Wait>(host: ToolHost<Wait>, program: string, args: readonly string[]): Steps<Wait, number> {
  const own = { short: '', long: [{ name: 'json', value: 'json' }] };
  const options = simpleOptions(host, program, args, own, HELP);
  if (typeof options === 'number') return options;
  const { log } = options;
  if (options.operands.length > 0) {
    log.error('too many arguments provided.\n');
    return 1;
  }
  log.priority = options.verbosity;
  if (!host.modules) tellIndexConfig(host, host.files, `/lib/modules/${host.release}`);
  const modules = host.kernel.list();
  if (!modules) {
    log.error(`could not open /proc/modules: ${strerror(ENOENT)}\n`);
    log.error(`could not get list of modules: ${strerror(ENOENT)}\n`);
    return 1;
  }
  if (options.given.has('json')) {
    const listed = modules.map(({ name, size, refcount, holders }) => ({
      name,
      size,
      refcount,
      usedBy: holders,
    }));
    host.out(`${JSON.stringify(listed)}\n`);
    return 0;
  }
  const lines = modules.map(({ name, size, refcount, holders }) => {
    const users = holders.length > 0 ? ` ${holders.join(',')}` : '';
    return `${moduleName(name).padEnd(19)} ${String(size).padStart(8)}  ${refcount}${users}\n`;
  });
  host.out(`Module                  Size  Used by\n${lines.join('')}`);
  return 0;
}
