import { describe, expect, it } from 'vitest';
import { type Outcome, outcomeOf } from './testing/klds.js';

const HELD = 'with the following non-sleepable locks held:';
const lock = (kind: string, name: string, place: string): string =>
  `exclusive ${kind} ${name} (${name}) r = 0 (0x) locked @ ${place}`;
const HANGS = 'modbox: kldload hangs: it waits for something that does not come';

/** What witness(4) and INVARIANTS would say, and what comes of it. */
const FOUND: Readonly<Record<string, readonly [what: string, outcome: Outcome]>> = {
  sleepheld: [
    'sleeps with a mutex',
    {
      faults: [
        `sleep-in-atomic: Sleeping on "sleepheld" ${HELD} ${lock('sleep mutex', 'sleepheld', 'sleepheld.c:18')}`,
      ],
    },
  ],
  msleepheld: [
    'sleeps with another mutex than the one that the sleep gives up',
    {
      faults: [
        `sleep-in-atomic: Sleeping on "msheld" ${HELD} ${lock('sleep mutex', 'msleepheld outer', 'msleepheld.c:19')}`,
      ],
    },
  ],
  waitokheld: [
    'allocates with M_WAITOK with a mutex',
    {
      faults: [
        `sleep-in-atomic: malloc(M_WAITOK) of "temp" ${HELD} ${lock('sleep mutex', 'waitokheld', 'waitokheld.c:22')}`,
      ],
    },
  ],
  sleepowner: [
    'waits for a mutex whose owner sleeps',
    {
      log: ['Sleeping thread (tid, pid 0) owns a non-sleepable lock', 'panic: sleeping thread'],
      load: 137,
      said: ['Killed'],
      faults: [
        `sleep-in-atomic: pause("sleepown") ${HELD} ${lock('sleep mutex', 'sleepowner', 'sleepowner.c:18')}`,
        'sleep-in-atomic: sleeping thread',
      ],
      panicked: 'sleeping thread',
    },
  ],
  epochsleep: [
    'sleeps in a section of the network epoch',
    { faults: ['sleep-in-atomic: pause("epslp") where sleeping is prohibited (THREAD_NO_SLEEPING)'] },
  ],
  recurses: [
    'takes a mutex again that is not recursive',
    {
      faults: [
        'lock-misuse: _mtx_lock_sleep: recursed on non-recursive mutex recurses at 0x @ recurses.c:19',
      ],
    },
  ],
  spinagain: [
    'takes a spin mutex twice and gives it back once',
    {
      log: [`modbox: kldload ended and still holds ${lock('spin mutex', 'spinagain', 'spinagain.c:18')}`],
      faults: [
        'lock-misuse: mtx_lock_spin: recursed on non-recursive mutex spinagain at 0x @ spinagain.c:19',
        `lock-misuse: modbox: kldload ended and still holds ${lock('spin mutex', 'spinagain', 'spinagain.c:18')}`,
      ],
    },
  ],
  notowned: [
    'gives back a mutex that it does not have',
    { faults: ['lock-misuse: mtx_unlock: mutex not owned by the thread: notowned at 0x'] },
  ],
  destroyheld: [
    'destroys a lock that another thread holds, which gives it back',
    {
      faults: [
        'lock-misuse: sx_destroy of a lock that another thread holds: sx destroyheld at 0x',
        'lock-misuse: sx_xunlock() of destroyed sx destroyheld at 0x',
      ],
    },
  ],
  inittwice: [
    'initialises a mutex twice, and takes one that nobody has initialised',
    {
      faults: [
        'lock-misuse: lock "inittwice" 0x already initialized',
        'lock-misuse: mtx_lock() of a mutex that was never initialized:  at 0x @ inittwice.c:19',
      ],
    },
  ],
  keepslock: [
    'ends its event with a mutex held',
    {
      log: [`modbox: kldload ended and still holds ${lock('sleep mutex', 'keepslock', 'keepslock.c:18')}`],
      faults: [
        `lock-misuse: modbox: kldload ended and still holds ${lock('sleep mutex', 'keepslock', 'keepslock.c:18')}`,
      ],
    },
  ],
  lockorder: [
    'takes two mutexes in both orders',
    {
      faults: [
        'lock-order: lock order reversal: 1st 0x lockorder b (lockorder b, sleep mutex) @ lockorder.c:23, ' +
          '2nd 0x lockorder a (lockorder a, sleep mutex) @ lockorder.c:24',
      ],
    },
  ],
  deadlock: [
    'has two threads that wait for each other',
    {
      load: 137,
      said: [HANGS],
      faults: [
        'lock-order: lock order reversal: 1st 0x deadlock b (deadlock b, sx) @ deadlock.c:18, ' +
          '2nd 0x deadlock a (deadlock a, sx) @ deadlock.c:20',
        'deadlock: modbox: deadlock: deadlock ba waits for the sx deadlock a at deadlock_a+0x0 [deadlock.ko], ' +
          'which deadlock ab holds, deadlock ab waits for the sx deadlock b at deadlock_b+0x0 [deadlock.ko], ' +
          'which deadlock ba holds',
        'hung: modbox: kldload sleeps for what does not come: "dldone"',
      ],
    },
  ],
  waitforever: [
    'waits for what does not come',
    {
      load: 137,
      said: [HANGS],
      faults: ['hung: modbox: kldload sleeps for what does not come: "forever"'],
    },
  ],
};

describe('a kld that', () => {
  for (const [name, [what, outcome]] of Object.entries(FOUND))
    it(`${what} is told of so (${name})`, () => {
      expect(outcomeOf(name)).toEqual(outcome);
    });
});
