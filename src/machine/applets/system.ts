import { block } from '../../kernel/effects.js';
import type { LogRecord } from '../../kernel/log.js';
import { type Applet, AppletUsageError, parseFlags } from './applet.js';

export const dmesgApplet: Applet = {
  name: 'dmesg',
  usage: 'dmesg [-r] [-t] [-c|-C] [-n LEVEL]',
  summary: 'Prints the kernel log.',
  // biome-ignore lint/correctness/useYield: an applet that never waits
  *run({ args, machine, io }) {
    const { flags, values } = parseFlags(args, ['r', 't', 'c', 'C', 'n='], {
      r: 'raw',
      t: 'notime',
      c: 'read-clear',
      C: 'clear',
    });
    const level = values.get('n');
    if (level !== undefined) {
      if (!/^[1-8]$/.test(level)) throw new AppletUsageError(`unknown level '${level}'`);
      machine.consoleLevel = Number(level);
      return 0;
    }
    const { log } = machine.kernel;
    if (!flags.has('C'))
      for (const record of machine.dmesg(machine.logCleared)) io.out(`${logLine(record, flags)}\n`);
    if (flags.has('c') || flags.has('C')) machine.logCleared = log.next;
    return 0;
  },
};

function logLine(record: LogRecord, flags: ReadonlySet<string>): string {
  const level = flags.has('r') ? `<${record.level}>` : '';
  return `${level}${flags.has('t') ? '' : `${timeStamp(record.time)} `}${record.text}`;
}

/** `[    1.234567]`, as printk puts it before lines. */
export function timeStamp(nanoseconds: number): string {
  const micros = Math.floor(nanoseconds / 1000);
  const seconds = String(Math.floor(micros / 1e6)).padStart(5);
  return `[${seconds}.${String(micros % 1e6).padStart(6, '0')}]`;
}

export const sleepApplet: Applet = {
  name: 'sleep',
  usage: 'sleep NUMBER[smhd]',
  summary: 'Lets virtual time pass: it takes no real time.',
  *run({ args, machine }) {
    let total = 0;
    for (const arg of args) {
      const match = /^(\d+(?:\.\d*)?|\.\d+)([smhd]?)$/.exec(arg);
      if (!match) throw new AppletUsageError(`invalid number '${arg}'`);
      total +=
        Number(match[1]) * { '': 1, s: 1, m: 60, h: 3600, d: 86400 }[match[2] as '' | 's' | 'm' | 'h' | 'd'];
    }
    const { clock, scheduler, executor } = machine.kernel;
    const until = clock.now + total * 1e9;
    const self = executor.current!;
    clock.arm(until, () => scheduler.wake(self));
    machine.expectSilenceUntil(until);
    while (clock.now < until) yield* block();
    return 0;
  },
};

export const psApplet: Applet = {
  name: 'ps',
  usage: 'ps',
  summary: 'Lists processes and kernel threads.',
  // biome-ignore lint/correctness/useYield: an applet that never waits
  *run({ machine, io }) {
    io.out('PID   USER     COMMAND\n');
    const { kernel } = machine;
    const type = kernel.struct('task_struct');
    const PF_KTHREAD = 0x0020_0000;
    for (const task of kernel.scheduler.tasks) {
      if (task.object === 0) continue;
      const comm = type.text(task.object, 'comm');
      const isThread = (type.get(task.object, 'flags') & PF_KTHREAD) !== 0;
      const pid = String(type.get(task.object, 'pid')).padStart(5);
      io.out(`${pid} root     ${isThread ? `[${comm}]` : comm}\n`);
    }
    return 0;
  },
};

export const unameApplet: Applet = {
  name: 'uname',
  usage: 'uname [-a] [-r]',
  summary: 'Names the kernel.',
  *run({ args, machine, io }) {
    const { flags } = parseFlags(args, ['a', 'r', 's', 'm', 'n', 'v']);
    const { release, arch, banner } = machine.kernel.target;
    const version = banner.slice(banner.lastIndexOf('#'));
    const fields: [string, string][] = [
      ['s', 'Linux'],
      ['n', 'modbox'],
      ['r', release],
      ['v', version],
      ['m', arch],
    ];
    const wanted = flags.size === 0 ? new Set(['s']) : flags;
    io.out(
      `${fields
        .filter(([flag]) => wanted.has('a') || wanted.has(flag))
        .map(([, text]) => text)
        .join(' ')}\n`,
    );
    return 0;
  },
};
