import { parseFlags } from '../../shell/applet.js';
import type { FreebsdMachine } from '../machine.js';
import type { Applet } from './applet.js';

/** dmesg(8). */
export const dmesgApplet: Applet = {
  name: 'dmesg',
  usage: 'dmesg [-ac]',
  summary: "Prints the kernel's messages; -c forgets them.",
  // biome-ignore lint/correctness/useYield: an applet that never waits
  *run({ args, io, machine }) {
    const { flags } = parseFlags(args, ['a', 'c']);
    const { log } = machine.kernel;
    for (const line of log.linesFrom(machine.logCleared)) io.out(`${line}\n`);
    if (flags.has('c')) machine.logCleared = log.next;
    return 0;
  },
};

/** What uname(1) prints, by its options, in the order in which it does. */
const UNAME: readonly (readonly [flag: string, value: (machine: FreebsdMachine) => string])[] = [
  ['s', () => 'FreeBSD'],
  ['n', () => 'modbox'],
  ['r', ({ target }) => target.release],
  ['v', ({ target }) => target.version],
  ['m', ({ target }) => target.arch],
  ['p', ({ target }) => target.arch],
  ['i', ({ target }) => target.version.split(' ').at(-1) ?? ''],
  ['K', ({ target }) => String(target.osreldate)],
  ['U', ({ target }) => String(target.osreldate)],
];
const UNAME_ALL = ['s', 'n', 'r', 'v', 'm'];

/** uname(1). */
export const unameApplet: Applet = {
  name: 'uname',
  usage: 'uname [-aiKmnoprsUv]',
  summary: 'Names the kernel.',
  *run({ args, io, machine }) {
    const { flags } = parseFlags(args, ['a', 'o', ...UNAME.map(([flag]) => flag)]);
    const wanted = new Set(flags);
    if (flags.has('a')) for (const flag of UNAME_ALL) wanted.add(flag);
    if (flags.has('o') || flags.size === 0) wanted.add('s');
    const words = UNAME.filter(([flag]) => wanted.has(flag)).map(([, value]) => value(machine));
    io.out(`${words.join(' ')}\n`);
    return 0;
  },
};

/** ps(1), of all processes with their threads. */
export const psApplet: Applet = {
  name: 'ps',
  usage: 'ps',
  summary: 'Lists processes and the threads of the kernel.',
  // biome-ignore lint/correctness/useYield: an applet that never waits
  *run({ io, machine }) {
    const { kernel } = machine;
    const { processes } = kernel;
    const type = kernel.struct('proc');
    io.out('  PID    TID COMMAND\n');
    for (const { proc, pid, name, threads } of processes.list) {
      const isKernel = (type.get(proc, 'p_flag') & kernel.macro('P_KPROC')) !== 0;
      for (const task of threads) {
        const thread = processes.nameOf(task);
        const tid = String(processes.tid(task.object)).padStart(6);
        const command = thread === name ? name : `${name}/${thread}`;
        io.out(`${String(pid).padStart(5)} ${tid} ${isKernel ? `[${command}]` : command}\n`);
      }
    }
    return 0;
  },
};
