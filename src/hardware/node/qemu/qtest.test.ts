import { describe, expect, it } from 'vitest';
import { QemuError } from './qemu-error.js';
import { Qtest } from './qtest.js';

/** A wire that answers in pieces of its own choice. */
function wired(...answers: string[]) {
  const said: string[] = [];
  const lines: string[] = [];
  const qtest = new Qtest(
    { write: (text) => void said.push(text), read: () => answers.shift() ?? '' },
    (line, level) => void lines.push(`${line} ${level}`),
  );
  return { qtest, said, lines };
}

describe('the qtest protocol', () => {
  it('has a line for an access and a line for its answer', () => {
    const { qtest, said } = wired('OK\n', 'OK 0x000000000000002a\r\n', 'OK\n', 'OK 0x100e8086\n');
    qtest.writeMemory(0xe000_0000, 4, 7n);
    expect(qtest.readMemory(0xe000_0008, 8)).toBe(0x2an);
    qtest.writePort(0xcf8, 4, -1);
    expect(qtest.readPort(0xcfc, 4)).toBe(0x100e_8086);
    expect(said).toEqual([
      'writel 0xe0000000 0x7\n',
      'readq 0xe0000008\n',
      'outl 0xcf8 0xffffffff\n',
      'inl 0xcfc\n',
    ]);
  });

  it('tells of interrupts wherever they come, whole lines or not', () => {
    const { qtest, lines } = wired('IRQ raise 21\nIRQ low', 'er 21\nO', 'K little\nIRQ raise 16\n', 'OK\n');
    qtest.poll();
    expect(lines).toEqual(['21 true', '21 false']);
    qtest.poll();
    expect(lines).toEqual(['21 true', '21 false', '16 true']);
  });

  it('takes nothing else for an answer', () => {
    expect(() => wired('FAIL Unknown command\n').qtest.poll()).toThrow(QemuError);
  });
});
