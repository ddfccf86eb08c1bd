import { describe, expect, it } from 'vitest';
import { RSP } from './cpu-types.js';
import { CODE_ADDRESS, DATA_ADDRESS, machine } from './testing/machine.js';
import { Random } from './testing/random.js';

const KINDS = new Set(['returned', 'exception', 'budget']);

describe('hostile code', () => {
  it('never throws for random bytes', () => {
    const r = new Random(Number(process.env['MODBOX_SEED'] ?? 5));
    const m = machine({}, 1);
    // What lies between is breakpoints: zeros would be thousands of instructions.
    m.loadBytes(new Uint8Array(4096).fill(0xcc));
    for (let i = 0; i < 3000; i++) {
      const length = 64;
      const common = [
        0x48, 0x89, 0x8b, 0x83, 0xe8, 0x74, 0x75, 0xc3, 0x0f, 0x50, 0x58, 0xff, 0xeb, 0x66, 0xf3,
      ];
      m.loadBytes(Uint8Array.from({ length }, () => (r.chance(40) ? r.pick(common) : r.below(256))));
      for (let reg = 0; reg < 16; reg++)
        m.cpu.set(reg, r.chance(50) ? DATA_ADDRESS + BigInt(r.below(0x4000)) : r.value());
      if (r.chance(80)) m.prepare();
      else m.cpu.set(RSP, r.value());
      m.cpu.rip = CODE_ADDRESS + BigInt(r.below(8));
      m.cpu.fuel = 500;
      expect(KINDS.has(m.cpu.run().kind)).toBe(true);
    }
  });

  it('gives the same result in every mode of checking', () => {
    // Quick and full translations of the same random code end in the same state.
    const r = new Random(99);
    const ops = [
      0x48, 0x89, 0x8b, 0x83, 0x01, 0x29, 0x31, 0x8d, 0x50, 0x58, 0x0f, 0xaf, 0x47, 0x57, 0x5f, 0x90,
    ];
    let finished = 0;
    for (let i = 0; i < 40; i++) {
      const code = Uint8Array.from({ length: 40 }, () => (r.chance(70) ? r.pick(ops) : r.below(256)));
      const regs = Array.from({ length: 16 }, () => DATA_ADDRESS + BigInt(0x1000 + r.below(0x2000)));
      const runs = [1e6, 1].map((fuel) => {
        const m = machine({}, 1);
        m.loadBytes(new Uint8Array(4096).fill(0xcc));
        m.loadBytes(code);
        regs.forEach((value, reg) => {
          m.cpu.set(reg, value);
        });
        m.prepare();
        for (let turns = 0; turns < 2000; turns++) {
          m.cpu.fuel = fuel;
          const exit = m.cpu.run();
          if (exit.kind === 'budget') continue;
          const state = Array.from({ length: 16 }, (_, reg) => m.cpu.get(reg));
          return { exit, state, rip: m.cpu.rip };
        }
        return undefined;
      });
      if (!runs[0] || !runs[1]) continue;
      finished++;
      expect(runs[1]).toEqual(runs[0]);
    }
    expect(finished).toBeGreaterThan(20);
  });
});
