import { describe, expect, it } from 'vitest';
import { LineDiscipline } from './line-discipline.js';

/** Flags and places of control characters, as small numbers of the test's own. */
const FLAGS: Readonly<Record<string, number>> = {
  ISTRIP: 1,
  IGNCR: 2,
  ICRNL: 4,
  INLCR: 8,
  OPOST: 1,
  ONLCR: 2,
  TAB3: 4,
  ONOEOT: 8,
  ICANON: 1,
  IEXTEN: 2,
  ECHO: 4,
  ECHOE: 8,
  ECHOK: 16,
  ECHONL: 32,
  ECHOCTL: 64,
  VEOF: 0,
  VEOL: 1,
  VEOL2: 2,
  VERASE: 3,
  VERASE2: 4,
  VKILL: 5,
  VLNEXT: 6,
};

const text = (bytes: Uint8Array): string => String.fromCharCode(...bytes);

function terminal(iflag: number, oflag: number, lflag: number): LineDiscipline {
  const characters = Uint8Array.of(4, 255, 255, 127, 8, 21, 22);
  return new LineDiscipline(
    (name) => FLAGS[name],
    () => ({ iflag, oflag, lflag, characters }),
  );
}

function type(tty: LineDiscipline, typed: string): void {
  for (const c of typed) tty.receive(c.charCodeAt(0));
}

describe('the line discipline', () => {
  it('gives a line when it is whole, edited', () => {
    const tty = terminal(FLAGS.ICRNL, 0, FLAGS.ICANON);
    type(tty, 'helo\x7flo');
    expect(tty.readable).toBe(false);
    type(tty, '\rnext\n');
    expect(text(tty.take(100))).toBe('hello\n');
    expect(text(tty.take(2))).toBe('ne');
    expect(text(tty.take(100))).toBe('xt\n');
  });

  it('ends a file at VEOF, and takes what VLNEXT quotes as it is', () => {
    const tty = terminal(0, 0, FLAGS.ICANON | FLAGS.IEXTEN);
    type(tty, 'ab\x04');
    expect(text(tty.take(9))).toBe('ab');
    type(tty, '\x04');
    expect([tty.readable, tty.take(9).length, tty.readable]).toEqual([true, 0, false]);
    type(tty, '\x16\x04\n');
    expect(text(tty.take(9))).toBe('\x04\n');
  });

  it('gives what there is without ICANON, and echoes it processed', () => {
    const tty = terminal(0, FLAGS.OPOST | FLAGS.ONLCR, FLAGS.ECHO | FLAGS.ECHOCTL);
    type(tty, 'a\x01\n');
    expect(text(tty.take(9))).toBe('a\x01\n');
    expect(text(tty.drain(9))).toBe('a^A\r\n');
  });

  it('is as wide as the queue, and can be flushed', () => {
    const tty = terminal(0, 0, 0);
    type(tty, 'x'.repeat(100));
    expect(tty.room).toBe(65_436);
    expect(tty.send(new Uint8Array(70_000))).toBeLessThan(70_000);
    tty.flush();
    expect([tty.room, tty.pending, tty.readable]).toEqual([65_536, 0, false]);
  });
});
