import { describe, expect, it } from 'vitest';
import { machineWith } from '../../acceptance/testing/machines.js';
import { Shell } from './shell/shell.js';

/** What a person at the shell is told besides what commands write. */
function told(modules: readonly string[], command: string): { notes: string; err: string } {
  const seen = { notes: '', err: '' };
  const terminal = {
    out: () => undefined,
    err: (data: string | Uint8Array) => {
      seen.err += String(data);
    },
    note: (text: string) => {
      seen.notes += text;
    },
  };
  new Shell(machineWith(modules), terminal).run(command);
  return seen;
}

describe('findings in the shell', () => {
  it('say why a command was killed, where, and what to type next', () => {
    const { notes, err } = told(['faulty_null_write'], 'insmod /mods/faulty_null_write.ko');
    expect(err).toBe('Killed\n');
    expect(notes).toMatch(/^modbox: BUG: kernel NULL pointer dereference, address: 0+, at store\+0x/);
    expect(notes).toContain('dmesg');
  });

  it('say what was left behind, after the command that removed the module', () => {
    const { notes } = told(['forget'], 'insmod /mods/forget.ko mode=12; rmmod forget');
    expect(notes).toMatch(/^modbox: forget left its file system 'forgotfs' behind, registered by in\+0x/);
  });

  it('say what was written after it was freed', () => {
    const { notes } = told(['faulty_uaf_write'], 'insmod /mods/faulty_uaf_write.ko; rmmod faulty_uaf_write');
    expect(notes).toMatch(/^modbox: use-after-free: /);
  });

  it('say who waits, for what, and where', () => {
    const { notes } = told(['faulty_endless_wait'], 'insmod /mods/faulty_endless_wait.ko');
    expect(notes).toContain("waits in wait_for_completion() for 'never' [faulty_endless_wait]");
    expect(notes).toMatch(/ {4}wait_for_completion\n {4}faulty_init\+0x/);
  });

  it('are nothing where nothing is wrong', () => {
    expect(told(['hello'], 'insmod /mods/hello.ko; rmmod hello').notes).toBe('');
  });
});

describe('the console level', () => {
  it('is set by dmesg -n', () => {
    const machine = machineWith([]);
    expect(machine.consoleLevel).toBe(7);
    new Shell(machine, { out: () => undefined, err: () => undefined }).run('dmesg -n 3');
    expect(machine.consoleLevel).toBe(3);
  });

  it('is lower with quiet, and what loglevel= says', () => {
    expect(machineWith([], { cmdline: 'quiet' }).consoleLevel).toBe(4);
    expect(machineWith([], { cmdline: 'quiet loglevel=6' }).consoleLevel).toBe(6);
  });
});
