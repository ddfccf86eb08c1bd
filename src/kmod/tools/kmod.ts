import { getopt, type OptionTable } from './getopt.js';
import { listAs } from './lsmod.js';
import { staticNodes } from './static-nodes.js';
import type { Steps, Tool, ToolHost } from './tool.js';
import { VERSION_TEXT } from './version.js';

interface Command {
  readonly name: string;
  readonly help: string;
  readonly run: Tool;
}

const COMMANDS: readonly Command[] = [
  { name: 'help', help: 'show help message', run: help },
  { name: 'list', help: 'list currently loaded modules', run: listAs('kmod') },
  {
    name: 'static-nodes',
    help: 'output the static-node information installed with the currently running kernel',
    run: staticNodes,
  },
];

/** The tools that kmod is when it is called by their names. */
const COMPAT = ['lsmod', 'rmmod', 'insmod', 'modinfo', 'modprobe', 'depmod'];

const row = (name: string, text: string): string => `  ${name.padEnd(12)} ${text}\n`;

const HELP = `kmod - Manage kernel modules: list, load, unload, etc
Usage:
	kmod [options] command [command_options]

Options:
	-V, --version     show version
	-h, --help        show this help

Commands:
${COMMANDS.map(({ name, help: text }) => row(name, text)).join('')}
kmod also handles gracefully if called from following symlinks:
${COMPAT.map((name) => row(name, `compat ${name} command`)).join('')}`;

const OPTIONS: OptionTable = {
  short: 'hV',
  long: [
    { name: 'help', value: 'h' },
    { name: 'version', value: 'V' },
  ],
};

/** `kmod COMMAND` (kmod(8)). */
export function* kmod<Wait>(host: ToolHost<Wait>, args: readonly string[]): Steps<Wait, number> {
  const at = args.findIndex((arg) => !arg.startsWith('-'));
  const line = getopt('kmod', at < 0 ? args : args.slice(0, at), OPTIONS);
  for (const { value } of line.options) {
    host.out(value === 'h' ? HELP : VERSION_TEXT);
    return 0;
  }
  if (line.kind === 'wrong') {
    host.err(line.message);
    return 1;
  }
  if (at < 0) {
    host.err('missing command\n');
    host.out(HELP);
    return 1;
  }
  const command = COMMANDS.find(({ name }) => name === args[at]);
  if (command) return yield* command.run(host, args.slice(at + 1));
  host.err(`invalid command '${args[at]}'\n`);
  host.out(HELP);
  return 1;
}

// biome-ignore lint/correctness/useYield: nothing here has to wait
function* help<Wait>(host: ToolHost<Wait>): Steps<Wait, number> {
  host.out(HELP);
  return 0;
}
