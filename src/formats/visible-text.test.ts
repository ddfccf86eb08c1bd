import { describe, expect, it } from 'vitest';
import { visible, visibleJson } from './visible-text.js';

describe('text for a terminal', () => {
  it('has no controls', () => {
    expect(visible('\u001b]0;title\u0007 \u001b[2J\r\b\u009b31m\u007f')).toBe(
      '\\x1b]0;title\\x07 \\x1b[2J\\x0d\\x08\\x9b31m\\x7f',
    );
  });

  it('keeps lines, tabs and every script', () => {
    expect(visible('a\tb\nÄ 漢 😀')).toBe('a\tb\nÄ 漢 😀');
  });

  it('cannot turn its direction, and shows stray bytes', () => {
    expect(visible('a\u202eb')).toBe('a\\u202eb');
    expect(visible('a\udc9bb')).toBe('a\\x9bb');
  });

  it('as JSON means the same', () => {
    const value = { text: '\u007f\u009b\u202e\u001b[2J', plain: 'Ä' };
    const json = visibleJson(JSON.stringify(value));
    expect(json).toMatch(/^[ -~Ä]*$/);
    expect(JSON.parse(json)).toEqual(value);
  });
});
