import { describe, expect, it } from 'vitest';
import { Booted } from './testing/booted.js';

describe('functions that modules call', () => {
  it('have each a prototype in the headers, or a signature', () => {
    const { k } = new Booted([]);
    const without = [...k.exports.exported].filter((name) => {
      // What the kernel has no symbol of is never linked to.
      if (!k.target.exports.has(name)) return false;
      try {
        k.exports.signatureOf(name);
        return false;
      } catch {
        return true;
      }
    });
    expect(without).toEqual([]);
  });
});
