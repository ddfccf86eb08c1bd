import type { Key } from './key.js';
import { type EditedLine, editLine, lineOf } from './line-editor.js';

/** Something that can be booted. */
export interface BootEntry {
  readonly title: string;
  readonly target: string;
  /** Kernel command line. */
  readonly cmdline: string;
}

/** A fault of the boot before: the menu is there again because of it. */
export interface BootFault {
  readonly module: string;
  /** What was said while it booted. */
  readonly messages: readonly string[];
}

interface Menu {
  readonly entries: readonly BootEntry[];
  readonly selected: number;
  readonly fault?: BootFault | undefined;
}

/** Where the menu is. `boot`, `stay` (go on with the machine that is up) and `leave` are ends. */
export type MenuState =
  | (Menu & { readonly kind: 'list' })
  | (Menu & { readonly kind: 'edit'; readonly line: EditedLine })
  | { readonly kind: 'boot'; readonly entry: BootEntry }
  | { readonly kind: 'stay' }
  | { readonly kind: 'leave' };

export type MenuEnd = Extract<MenuState, { readonly kind: 'boot' | 'stay' | 'leave' }>;

/** Boot parameter that keeps systemd from loading modules (kernel-command-line(7)). */
const WITHOUT_MODULES_LOAD = 'systemd.mask=systemd-modules-load.service';

/** Two entries for each target: as it is, and without the modules that are loaded at boot. */
export function bootEntries(targets: readonly string[], cmdline: string): BootEntry[] {
  return targets.flatMap((target) => [
    { title: target, target, cmdline },
    {
      title: `${target} (recovery: without modules-load)`,
      target,
      cmdline: withParameter(cmdline, WITHOUT_MODULES_LOAD),
    },
  ]);
}

/** The menu as it comes up, at the first entry of `target`, or with a fault to tell of. */
export function openMenu(entries: readonly BootEntry[], target?: string, fault?: BootFault): MenuState {
  const selected = Math.max(
    0,
    entries.findIndex((entry) => entry.target === target),
  );
  return { kind: 'list', entries, selected, fault };
}

/** What a key does. */
export function pressKey(state: MenuState, key: Key): MenuState {
  if (state.kind === 'list') return inList(state, key);
  return state.kind === 'edit' ? inEditor(state, key) : state;
}

function inList(state: Extract<MenuState, { kind: 'list' }>, key: Key): MenuState {
  const { entries, selected, fault } = state;
  const entry = entries[selected];
  switch (key.ctrl ? `^${key.name}` : key.name) {
    case 'up':
    case '^p':
      return { ...state, selected: Math.max(0, selected - 1) };
    case 'down':
    case '^n':
      return { ...state, selected: Math.min(entries.length - 1, selected + 1) };
    case 'return':
    case 'enter':
      return { kind: 'boot', entry };
    case 'e':
      return { ...state, kind: 'edit', line: lineOf(entry.cmdline && `${entry.cmdline} `) };
    case 'b':
      return fault ? { kind: 'boot', entry: blacklisting(entry, fault.module) } : state;
    case 'c':
      return fault ? { kind: 'stay' } : state;
    case 'q':
    case 'escape':
    case '^d':
      return { kind: 'leave' };
  }
  const number = /^[1-9]$/.test(key.text) ? Number(key.text) : 0;
  return number > 0 && number <= entries.length ? { ...state, selected: number - 1 } : state;
}

function inEditor(state: Extract<MenuState, { kind: 'edit' }>, key: Key): MenuState {
  const { entries, selected, fault, line } = state;
  switch (key.ctrl ? `^${key.name}` : key.name) {
    case 'return':
    case 'enter':
    case '^x':
      return { kind: 'boot', entry: { ...entries[selected], cmdline: line.text.trim() } };
    case 'escape':
      return { kind: 'list', entries, selected, fault };
  }
  return { ...state, line: editLine(line, key) };
}

/** The entry with a module on the kernel's blacklist, besides those that are there already. */
function blacklisting(entry: BootEntry, module: string): BootEntry {
  const own = /(^|\s)module_blacklist=(\S*)/.exec(entry.cmdline);
  if (!own) return { ...entry, cmdline: withParameter(entry.cmdline, `module_blacklist=${module}`) };
  const list = [...own[2].split(',').filter(Boolean), module].join(',');
  return { ...entry, cmdline: entry.cmdline.replace(own[0], `${own[1]}module_blacklist=${list}`) };
}

function withParameter(cmdline: string, parameter: string): string {
  return cmdline === '' ? parameter : `${cmdline} ${parameter}`;
}

/** A screen: its lines, and where the cursor is (undefined: nowhere). */
export interface Screen {
  readonly lines: readonly string[];
  readonly cursor?: { readonly line: number; readonly column: number };
}

const PROMPT = 'linux ';

/** What is on the screen. Nothing at the menu's ends. */
export function screenOf(state: MenuState): Screen {
  if (state.kind !== 'list' && state.kind !== 'edit') return { lines: [] };
  const { entries, selected, fault } = state;
  const head = ['modbox: what to boot', ''];
  const list = entries.map(
    ({ title }, i) => `${i === selected ? '>' : ' '} ${i < 9 ? `${i + 1}` : ' '}  ${title}`,
  );
  if (state.kind === 'edit') {
    const lines = [...head, ...list, '', 'Kernel command line:', `${PROMPT}${state.line.text}`];
    const cursor = { line: lines.length - 1, column: PROMPT.length + state.line.cursor };
    return { lines: [...lines, '', 'Enter boots with it, Esc goes back.'], cursor };
  }
  const { cmdline } = entries[selected];
  return {
    lines: [
      ...head,
      ...list,
      '',
      `  ${PROMPT}${cmdline}`.trimEnd(),
      '',
      ...(fault ? faultLines(fault) : []),
      'Arrows or a number choose, Enter boots, e edits the kernel command line, Esc or q leaves.',
    ],
  };
}

function faultLines({ module, messages }: BootFault): string[] {
  return [
    ...messages,
    `A fault in the module ${module} while it booted. b boots without it (module_blacklist=${module}), c goes on with this machine.`,
    '',
  ];
}
