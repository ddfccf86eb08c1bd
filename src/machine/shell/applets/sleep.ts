import { block } from '../../../kernel/effects.js';
import { type Applet, AppletUsageError } from '../applet.js';

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
