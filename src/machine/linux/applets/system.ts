import { TaskCredentials } from '../../../linux/credentials.js';
import { type Applet, AppletUsageError, parseFlags } from './applet.js';

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

export const dateApplet: Applet = {
  name: 'date',
  usage: 'date [-u] [+FORMAT]',
  summary: "Prints the machine's time (UTC).",
  // biome-ignore lint/correctness/useYield: an applet that never waits
  *run({ args, machine, io }) {
    const { operands } = parseFlags(args, ['u']);
    const format = operands[0] ?? '+%a %b %e %H:%M:%S UTC %Y';
    if (!format.startsWith('+')) throw new AppletUsageError('the time cannot be set');
    const { clock } = machine.kernel;
    const now = new Date(Number(clock.bootTime) / 1e6 + clock.now / 1e6);
    io.out(`${dateText(format.slice(1), now)}\n`);
    return 0;
  },
};

function dateText(format: string, now: Date): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  const [day, date, month] = now.toUTCString().split(/,? /);
  const iso = now.toISOString();
  const fields: Readonly<Record<string, string>> = {
    Y: iso.slice(0, 4),
    m: iso.slice(5, 7),
    d: iso.slice(8, 10),
    e: String(Number(date)).padStart(2),
    H: two(now.getUTCHours()),
    M: two(now.getUTCMinutes()),
    S: two(now.getUTCSeconds()),
    s: String(Math.floor(now.getTime() / 1000)),
    N: String((now.getTime() % 1000) * 1e6).padStart(9, '0'),
    F: iso.slice(0, 10),
    T: iso.slice(11, 19),
    a: day,
    b: month,
    y: iso.slice(2, 4),
    Z: 'UTC',
    z: '+0000',
    n: '\n',
    t: '\t',
    '%': '%',
  };
  return format.replace(/%(.)/g, (whole, letter: string) => fields[letter] ?? whole);
}

export const idApplet: Applet = {
  name: 'id',
  usage: 'id [-u]',
  summary: 'Says who runs commands.',
  // biome-ignore lint/correctness/useYield: an applet that never waits
  *run({ args, machine, io }) {
    const { flags } = parseFlags(args, ['u', 'n', 'g']);
    const { uid } = machine.kernel.get(TaskCredentials);
    const name = uid === 0 ? '(root)' : '';
    io.out(
      flags.size > 0
        ? `${flags.has('n') && uid === 0 ? 'root' : uid}\n`
        : `uid=${uid}${name} gid=${uid}${name}\n`,
    );
    return 0;
  },
};

export const clearApplet: Applet = {
  name: 'clear',
  usage: 'clear',
  summary: 'Clears the screen.',
  // biome-ignore lint/correctness/useYield: an applet that never waits
  *run({ io }) {
    io.out('\x1b[H\x1b[2J');
    return 0;
  },
};
