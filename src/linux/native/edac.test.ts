import { describe, expect, it } from 'vitest';
import { imageTarget } from '../../testing/targets.js';
import { guest } from '../testing/guest.js';

const target = await imageTarget();
/** EDAC_MC_LAYER_CHIP_SELECT and the size of a layer (include/linux/edac.h). */
const CHIP_SELECT = 3;

describe.skipIf(target === undefined)('EDAC, as the target has it', () => {
  const machine = guest({}, target!);
  const { k, call } = machine;

  it('has no memory controller at first', () => {
    expect(call.edac_has_mcs()).toBe(0);
    expect(call.edac_mc_find(0)).toBe(0);
    expect(k.native?.use.subsystems).toContain('edac');
    expect(machine.reports()).toEqual([]);
  });

  it('makes a controller, with its rows, and frees it', () => {
    const type = k.struct('edac_mc_layer');
    const layer = k.permanent(type.size);
    type.set(layer, 'type', CHIP_SELECT);
    type.set(layer, 'size', 2);
    type.set(layer, 'is_virt_csrow', 1);
    const mci = call.edac_mc_alloc(0, 1, layer, 0);
    expect(mci).not.toBe(0);
    expect(k.struct('mem_ctl_info').get(mci, 'nr_csrows')).toBe(2);
    call.edac_mc_free(mci);
    expect(machine.reports()).toEqual([]);
  });
});
