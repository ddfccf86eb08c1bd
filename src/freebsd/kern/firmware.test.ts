import { describe, expect, it } from 'vitest';
import { Booted } from '../testing/booted.js';
import { Firmware } from './firmware.js';

describe('firmware', () => {
  it('registers images, and gives parts of them by name', () => {
    const machine = new Booted(['fwimage.ko']);
    const file = machine.loaded('fwimage');
    expect(machine.log).toEqual(['fwimage: modbox_fw_part, 7 bytes, version 1: modbox']);
    expect(machine.unload(file)).toBe(0);
    expect([...machine.k.get(Firmware).holds()]).toEqual([]);
  });

  it('says that an image is not there', () => {
    const machine = new Booted([]);
    const { k } = machine;
    const name = k.constantString('nothing_fw');
    expect(machine.run(k.callAs('p:p', k.fn('firmware_get'), name))).toBe(0);
    expect(machine.log).toEqual(['nothing_fw: could not load firmware image, error 2']);
  });
});
