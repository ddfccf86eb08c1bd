import { describe, expect, it } from 'vitest';
import { PAGE_KERNEL, PAGE_KERNEL_ROX } from '../address-space.js';
import { CODE, DATA, machine, type TestMachine } from '../testing/machine.js';
import { codePlace } from './code-place.js';

function withCode(source = 'ret', codePages = 4): TestMachine {
  const m = machine({}, codePages);
  m.load(source);
  return m;
}

describe('the place of code', () => {
  it('is the same for the same code, wherever in it one asks', () => {
    const place = codePlace(withCode().space, CODE);
    expect(codePlace(withCode().space, CODE + 0x3fff)).toBe(place);
  });

  it('is another for other code, and for more of it', () => {
    const places = [withCode(), withCode('nop\nret'), withCode('ret', 5)].map(({ space }) =>
      codePlace(space, CODE),
    );
    expect(new Set(places).size).toBe(3);
  });

  it('ends where pages are not executable', () => {
    const m = withCode();
    const place = codePlace(m.space, CODE);
    m.space.map(CODE + 0x4000, 0x1000, PAGE_KERNEL);
    m.space.bytes[CODE + 0x4000] = 1;
    expect(codePlace(m.space, CODE)).toBe(place);
    m.space.map(CODE + 0x4000, 0x1000, PAGE_KERNEL_ROX);
    expect(codePlace(m.space, CODE)).not.toBe(place);
  });

  it('does not ask for pages that come on demand, and is not another once they are there', () => {
    const m = withCode();
    const at = CODE + 0x8_0000;
    m.space.defer(at, 0x2000, PAGE_KERNEL_ROX, (page) => {
      m.space.supply(page);
      m.space.bytes[page] = 0xc3;
    });
    const place = codePlace(m.space, at);
    expect(m.space.supplied).toBe(0);
    expect(m.space.bringIn(at)).toBe(true);
    expect(m.space.isOnDemand(at)).toBe(true);
    expect(codePlace(m.space, at)).toBe(place);
    expect(m.space.isOnDemand(DATA)).toBe(false);
  });
});
