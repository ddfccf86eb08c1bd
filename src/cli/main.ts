#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { rawText } from '../tools.js';

/** Commands, each in a file of its own that is loaded only when it is wanted: starting must be quick. */
const COMMANDS: Readonly<Record<string, () => Promise<{ main(args: readonly string[]): Promise<number> }>>> =
  {
    run: () => import('./commands/run.js'),
    shell: () => import('./commands/shell.js'),
    target: () => import('./commands/target.js'),
    graph: () => import('./commands/graph.js'),
    closure: () => import('./commands/closure.js'),
    check: () => import('./commands/check.js'),
    sign: () => import('./commands/sign.js'),
    taint: () => import('./commands/taint.js'),
    kldxref: () => import('./commands/kldxref.js'),
  };

/** kmod's tools, which modbox is too when it is called by their names. */
const TOOLS = ['insmod', 'rmmod', 'modprobe', 'lsmod', 'modinfo', 'depmod', 'kmod'];

/** The arguments; those that are no UTF-8, which Node has not kept, as the system has them (Linux). */
function argumentsGiven(): readonly string[] {
  const { argv } = process;
  if (!argv.some((word) => word.includes('\ufffd'))) return argv;
  try {
    const words = rawText(readFileSync('/proc/self/cmdline')).split('\0').slice(0, -1);
    return [...argv.slice(0, 2), ...words.slice(words.length - (argv.length - 2))];
  } catch {
    return argv;
  }
}

async function main(argv: readonly string[]): Promise<number> {
  const called = basename(argv[1] ?? '').replace(/\.js$/, '');
  const isTool = TOOLS.includes(called) || called === 'kldxref';
  const [name, ...args] = isTool ? [called, ...argv.slice(2)] : argv.slice(2);
  if (name !== undefined && Object.hasOwn(COMMANDS, name)) return await (await COMMANDS[name]()).main(args);
  if (name !== undefined && TOOLS.includes(name))
    return await (await import('./commands/tool.js')).main(name, args);
  const [about] = args;
  if (name === 'help' && about !== undefined && (Object.hasOwn(COMMANDS, about) || TOOLS.includes(about)))
    return await main([argv[0], 'modbox', about, '--help']);
  const { help } = await import('./commands/help.js');
  return help(name === 'help' ? (about ?? name) : name);
}

/** Ends with one line that says what was wrong, whatever it was. */
async function fail(error: unknown): Promise<void> {
  const { explain } = await import('./failure.js');
  process.exitCode = explain(error, ['modbox', ...process.argv.slice(2)].join(' '));
}

// A pipe that is closed at its other end (`| head`) ends the program quietly; a disk that is full does not.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  void fail(Object.assign(error, { path: 'standard output' })).finally(() => process.exit(1));
});
// Where nothing can be said nothing is.
process.stderr.on('error', () => process.exit(1));
// What no command waits for: as an error of the command itself, and the process ends.
process.on('uncaughtException', (error) => void fail(error).finally(() => process.exit(1)));

main(argumentsGiven()).then((status) => {
  process.exitCode = status;
}, fail);
