import { describe, expect, it } from 'vitest';
import { hexLine } from './hex-dump.js';
import { decodeText, parsePrefix } from './prefix.js';

describe('parsePrefix', () => {
  it('takes levels and KERN_CONT off', () => {
    expect(parsePrefix('\x016hello\n')).toEqual({ level: 6, continues: false, text: 'hello\n' });
    expect(parsePrefix('\x01c more')).toEqual({ level: undefined, continues: true, text: ' more' });
    expect(parsePrefix('\x013\x014two')).toEqual({ level: 3, continues: false, text: 'two' });
    expect(parsePrefix('plain')).toEqual({ level: undefined, continues: false, text: 'plain' });
  });
  it('reads UTF-8 where it is', () => {
    expect(decodeText('20\xc2\xb0C')).toBe('20°C');
    expect(decodeText('20\xb0C')).toBe('20°C');
  });
});

describe('hexLine', () => {
  const bytes = Uint8Array.from('0123456789abcdefXYZ', (c) => c.charCodeAt(0));
  it('groups bytes', () => {
    expect(hexLine(bytes.subarray(0, 3), 16, 1, true)).toBe(`30 31 32${' '.repeat(41)}012`);
    expect(hexLine(bytes.subarray(0, 8), 16, 4, false)).toBe('33323130 37363534');
    expect(hexLine(bytes.subarray(0, 8), 16, 8, false)).toBe('3736353433323130');
    expect(hexLine(bytes.subarray(0, 3), 16, 2, false)).toBe('30 31 32');
    expect(hexLine(bytes, 16, 1, false)).toHaveLength(47);
    expect(hexLine(bytes, 32, 1, true)).toHaveLength(97 + 19);
  });
});
