import { describe, expect, it } from 'vitest';
import { EOPNOTSUPP } from '../errno.js';
import { WithModules } from '../testing/with-modules.js';
import { AcceptFilters } from './uipc-accf.js';

describe('accept filters', () => {
  it('stay, since nobody counts their users, unless net.inet.accf.unloadable is set', () => {
    const machine = new WithModules('accfmodbox.ko');
    const file = machine.load('accfmodbox.ko');
    expect(machine.unload(file)).toBe(EOPNOTSUPP);
    machine.k.get(AcceptFilters).unloadable = true;
    expect(machine.unload(file)).toBe(0);
    expect(machine.faults).toEqual([]);
  });
});
