import { describe, expect, it } from 'vitest';
import { hintsDescription, parsePnpDescription } from './index.js';

const fieldsOf = (text: string) =>
  parsePnpDescription(text)?.map(({ type, key, offset }) => `${type} ${key} ${offset}`);
const hinted = (text: string) => hintsDescription(parsePnpDescription(text) ?? []);

describe('a description of a PNP table', () => {
  it('puts numbers and pointers at multiples of their size', () => {
    expect(fieldsOf('U8:a;U16:b;U8:c;U32:d;Z:e;U8:f;D:#')).toEqual([
      'U8 a 0',
      'U16 b 2',
      'U8 c 4',
      'U32 d 8',
      'Z e 16',
      'U8 f 24',
      'D # 32',
    ]);
  });

  it('passes pointers over, without aligning them, and lets T take no room', () => {
    expect(fieldsOf('U8:a;P:#;U8:b;T:x=1;U8:c')).toEqual(['U8 a 0', 'U8 b 9', 'T x=1 10', 'U8 c 10']);
  });

  it('passes white space behind a semicolon over', () => {
    expect(fieldsOf('U16:a; \n\tU16:b;')).toEqual(['U16 a 0', 'U16 b 2']);
  });

  it('is simpler in linker.hints', () => {
    expect(hinted('U8:a;U16:b;U32:c;V8:d;V16:e;V32:f')).toBe('I:a;I:b;I:c;J:d;J:e;J:f;');
    expect(hinted('M16:mask;G16:g;L16:l;W32:sub//ven;E:id;Z:z;D:d;T:t=1')).toBe(
      'M:mask;G:g;L:l;I:sub;I:ven;Z:id;Z:z;D:d;T:t=1;',
    );
  });

  it('is none without a colon, with a type that there is not, or with a key of 32 letters', () => {
    expect(parsePnpDescription('U16')).toBeUndefined();
    expect(parsePnpDescription('U16;a:b')).toBeUndefined();
    expect(parsePnpDescription('U24:a')).toBeUndefined();
    expect(parsePnpDescription('constructor:a')).toBeUndefined();
    expect(parsePnpDescription(`U16:${'k'.repeat(32)}`)).toBeUndefined();
    expect(parsePnpDescription(`U16:${'k'.repeat(31)}`)).toHaveLength(1);
  });

  it('may be empty', () => {
    expect(parsePnpDescription('')).toEqual([]);
  });
});
