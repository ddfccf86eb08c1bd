import { describe, expect, it } from 'vitest';
import { bootEntries, type MenuState, openMenu, pressKey, screenOf } from './boot-menu.js';
import { keyOf } from './key.js';

const ENTRIES = bootEntries(['linux/6.1', 'linux/6.12'], 'quiet');
const RECOVERY = 'quiet systemd.mask=systemd-modules-load.service';

/** Keys by name, typed text between blanks: `down e ^u 'x' return`. */
function press(state: MenuState, keys: string): MenuState {
  return [...keys.matchAll(/'([^']*)'|\S+/g)].reduce((now, [key, typed]) => {
    if (typed !== undefined)
      return [...typed].reduce(
        (then, letter) => pressKey(then, keyOf({ name: letter, sequence: letter })),
        now,
      );
    const ctrl = key.startsWith('^');
    const name = ctrl ? key.slice(1) : key;
    return pressKey(now, keyOf({ name, ctrl, sequence: name.length === 1 && !ctrl ? name : '\x1b' }));
  }, state);
}

const booted = (keys: string, start = openMenu(ENTRIES)): string => {
  const end = press(start, keys);
  return end.kind === 'boot' ? `${end.entry.target} ${end.entry.cmdline}`.trim() : end.kind;
};

describe('the boot menu', () => {
  it('has two entries for each target, and begins at the one that was asked for', () => {
    expect(ENTRIES.map(({ title }) => title)).toEqual([
      'linux/6.1',
      'linux/6.1 (recovery: without modules-load)',
      'linux/6.12',
      'linux/6.12 (recovery: without modules-load)',
    ]);
    expect(booted('return', openMenu(ENTRIES, 'linux/6.12'))).toBe('linux/6.12 quiet');
    expect(booted('return', openMenu(ENTRIES, 'linux/0.1'))).toBe('linux/6.1 quiet');
    expect(bootEntries(['x'], '').map(({ cmdline }) => cmdline)).toEqual([
      '',
      'systemd.mask=systemd-modules-load.service',
    ]);
  });

  it('is gone through with arrows and numbers, and left with Esc or q', () => {
    expect(booted('down return')).toBe(`linux/6.1 ${RECOVERY}`);
    expect(booted('down down down down down return')).toBe(`linux/6.12 ${RECOVERY}`);
    expect(booted('down up up up return')).toBe('linux/6.1 quiet');
    expect(booted('3 return')).toBe('linux/6.12 quiet');
    expect(booted('9 0 x return')).toBe('linux/6.1 quiet');
    expect(booted('^n ^n ^p enter')).toBe(`linux/6.1 ${RECOVERY}`);
    for (const key of ['q', 'escape', '^d']) expect(booted(`down ${key}`)).toBe('leave');
  });

  it('edits the kernel command line before it boots', () => {
    expect(booted("e 'module_blacklist=bad' return")).toBe('linux/6.1 quiet module_blacklist=bad');
    expect(booted("2 e ^u 'q e 1' ^x")).toBe('linux/6.1 q e 1');
    expect(booted("e home 'a ' end 'b' left backspace right 'c' return")).toBe('linux/6.1 a quietbc');
    expect(booted("e ^a delete delete right ^k 'x' return")).toBe('linux/6.1 ix');
    expect(booted("e 'one two' ^w 'three' return")).toBe('linux/6.1 quiet one three');
    expect(booted("e 'lost' escape return")).toBe('linux/6.1 quiet');
    expect(booted("e ^u backspace left 'é' return")).toBe('linux/6.1 é');
  });

  it('shows what it has, and the cursor where the line is edited', () => {
    expect(screenOf(openMenu(ENTRIES, 'linux/6.12'))).toEqual({
      lines: [
        'modbox: what to boot',
        '',
        '  1  linux/6.1',
        '  2  linux/6.1 (recovery: without modules-load)',
        '> 3  linux/6.12',
        '  4  linux/6.12 (recovery: without modules-load)',
        '',
        '  linux quiet',
        '',
        'Arrows or a number choose, Enter boots, e edits the kernel command line, Esc or q leaves.',
      ],
    });
    const { lines, cursor } = screenOf(press(openMenu(ENTRIES), "e 'x' left"));
    expect(lines[cursor!.line]).toBe('linux quiet x');
    expect(cursor!.column).toBe('linux quiet '.length);
  });

  it('tells of a fault, and boots without the module at fault, or goes on', () => {
    const fault = { module: 'bad', messages: ['systemd-modules-load: Killed'] };
    const menu = openMenu(ENTRIES, 'linux/6.1', fault);
    expect(screenOf(menu).lines).toEqual(
      expect.arrayContaining([
        'systemd-modules-load: Killed',
        'A fault in the module bad while it booted. b boots without it (module_blacklist=bad), c goes on with this machine.',
      ]),
    );
    expect(booted('b', menu)).toBe('linux/6.1 quiet module_blacklist=bad');
    expect(booted('c', menu)).toBe('stay');
    expect(booted('b c return')).toBe('linux/6.1 quiet');
    const again = openMenu(bootEntries(['k'], 'module_blacklist=one quiet'), 'k', fault);
    expect(booted('b', again)).toBe('k module_blacklist=one,bad quiet');
  });
});
