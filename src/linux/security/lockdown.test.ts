import { describe, expect, it } from 'vitest';
import { loadBundled } from '../../target/node/index.js';
import { guest } from '../testing/guest.js';
import { Lockdown } from './lockdown.js';
import { signaturePolicy } from './signature-policy.js';

const { config } = loadBundled();

describe('lockdown', () => {
  it.each([
    ['', 'none'],
    ['lockdown=integrity', 'integrity'],
    ['quiet lockdown=confidentiality', 'confidentiality'],
    ['lockdown=other', 'none'],
  ])('of a command line with %j is %s', (cmdline, level) => {
    expect(signaturePolicy(config, cmdline).lockdown).toBe(level);
  });

  it('is nothing where the kernel is not configured for it', () => {
    const without = new Map([...config].filter(([option]) => option !== 'CONFIG_SECURITY_LOCKDOWN_LSM'));
    expect(signaturePolicy(without, 'lockdown=integrity').lockdown).toBe('none');
  });

  it('says in the log what it forbids, and to whom; without it nothing is forbidden', () => {
    const locked = guest({ cmdline: 'lockdown=integrity' });
    const from = locked.k.log.next;
    expect(locked.k.get(Lockdown).forbids('unsigned module loading')).toBe(true);
    expect(locked.k.log.linesFrom(from)).toEqual([
      'Lockdown: swapper/0: unsigned module loading is restricted; see man kernel_lockdown.7',
    ]);
    expect(guest().k.get(Lockdown).forbids('anything')).toBe(false);
  });
});
