import { block, type Sleepable } from '../../../kernel/effects.js';
import type { LogRecord } from '../../../kernel/log.js';
import { type Applet, type AppletContext, AppletUsageError, parseFlags } from './applet.js';

const LEVELS = ['emerg', 'alert', 'crit', 'err', 'warn', 'notice', 'info', 'debug'];

export const dmesgApplet: Applet = {
  name: 'dmesg',
  usage: 'dmesg [-rtxHw] [-l LEVEL[+],...] [-c|-C] [-n LEVEL]',
  summary: 'Prints the kernel log; -w waits for more.',
  *run(context) {
    const { args, machine } = context;
    const { flags, values } = parseFlags(args, ['r', 't', 'c', 'C', 'x', 'H', 'w', 'W', 'n=', 'l='], {
      r: 'raw',
      t: 'notime',
      c: 'read-clear',
      C: 'clear',
      x: 'decode',
      H: 'human',
      w: 'follow',
      W: 'follow-new',
      l: 'level',
    });
    const level = values.get('n');
    if (level !== undefined) {
      if (!/^[1-8]$/.test(level)) throw new AppletUsageError(`unknown level '${level}'`);
      machine.consoleLevel = Number(level);
      return 0;
    }
    const wanted = levelsOf(values.get('l'));
    const print = printer(context, flags, wanted);
    const { log } = machine.kernel;
    if (!flags.has('C') && !flags.has('W'))
      for (const record of machine.dmesg(machine.logCleared)) print(record);
    if (flags.has('c') || flags.has('C')) machine.logCleared = log.next;
    if (flags.has('w') || flags.has('W')) yield* follow(context, print);
    return 0;
  },
};

/** `err,warn` or `warn+`: those levels. */
function levelsOf(text: string | undefined): ReadonlySet<number> {
  if (text === undefined) return new Set(LEVELS.keys());
  const found = new Set<number>();
  for (const word of text.split(',')) {
    const level = LEVELS.indexOf(word.replace(/^\+|\+$/g, ''));
    if (level < 0) throw new AppletUsageError(`unknown level '${word}'`);
    for (const one of LEVELS.keys())
      if (one === level || (word.endsWith('+') && one < level) || (word.startsWith('+') && one > level))
        found.add(one);
  }
  return found;
}

function printer(
  { io, machine }: AppletContext,
  flags: ReadonlySet<string>,
  wanted: ReadonlySet<number>,
): (record: LogRecord) => void {
  let before: number | undefined;
  return (record) => {
    if (!wanted.has(record.level)) return;
    const raw = flags.has('r') ? `<${record.level}>` : '';
    const decoded = flags.has('x') ? `kern  :${LEVELS[record.level].padEnd(6)}: ` : '';
    let time = flags.has('t') ? '' : `${timeStamp(record.time)} `;
    if (flags.has('H')) {
      const minute = (at: number): number => Math.floor(at / 60e9);
      const fresh = before === undefined || minute(before) !== minute(record.time);
      time = fresh
        ? `${dayAndTime(machine.kernel.clock.bootTime, record.time)} `
        : `${since(record.time - (before ?? 0))} `;
      before = record.time;
    }
    io.out(`${raw}${decoded}${time}${record.text}\n`);
  };
}

/** `[Nov29 23:41]` */
function dayAndTime(boot: bigint, time: number): string {
  const date = new Date((Number(boot) + time) / 1e6).toUTCString();
  const [, day, month, , clock] = date.split(' ');
  return `[${month}${day} ${clock.slice(0, 5)}]`;
}

/** `[  +0.000012]` */
function since(nanoseconds: number): string {
  return `[${`+${(Math.max(0, nanoseconds) / 1e9).toFixed(6)}`.padStart(11)}]`;
}

/** Lines as they come, until somebody interrupts. */
function* follow({ machine, io }: AppletContext, print: (record: LogRecord) => void): Sleepable<void> {
  const { log, scheduler, executor } = machine.kernel;
  let next = log.next;
  const self = executor.current!;
  const forget = log.onRecord(() => {
    // Whoever kills the command does not come back to it.
    if (self.ended) forget();
    else scheduler.wake(self);
  });
  try {
    for (;;) {
      for (const record of machine.dmesg(next)) print(record);
      next = log.next;
      if (!(yield* io.pass())) return;
      if (io.source.kind === 'keyboard') yield* io.source.keyboard.pause();
      else yield* block();
    }
  } finally {
    forget();
  }
}

/** `[    1.234567]`, as printk puts it before lines. */
export function timeStamp(nanoseconds: number): string {
  const micros = Math.floor(nanoseconds / 1000);
  const seconds = String(Math.floor(micros / 1e6)).padStart(5);
  return `[${seconds}.${String(micros % 1e6).padStart(6, '0')}]`;
}
