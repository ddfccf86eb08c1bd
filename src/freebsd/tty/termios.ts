import type { Ptr } from '../../cpu/layout.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Modes } from './line-discipline.js';

const control = (letter: string): number => letter.charCodeAt(0) & 0x1f;

/** The characters that have a meaning at first (sys/ttydefaults.h, termios(4)); the others have none. */
const CHARACTERS: Readonly<Record<string, number>> = {
  VEOF: control('D'),
  VERASE: 0x7f,
  VERASE2: control('H'),
  VKILL: control('U'),
  VINTR: control('C'),
  VQUIT: control('\\'),
  VSUSP: control('Z'),
  VDSUSP: control('Y'),
  VSTART: control('Q'),
  VSTOP: control('S'),
  VLNEXT: control('V'),
  VDISCARD: control('O'),
  VWERASE: control('W'),
  VREPRINT: control('R'),
  VSTATUS: control('T'),
};

/** Makes a struct termios that of a terminal which edits lines and echoes (termios_init_generic). */
export function initTermios(k: FreebsdKernel, at: Ptr): void {
  const type = k.struct('termios');
  for (const [member, macro] of [
    ['c_iflag', 'TTYDEF_IFLAG'],
    ['c_oflag', 'TTYDEF_OFLAG'],
    ['c_cflag', 'TTYDEF_CFLAG'],
    ['c_lflag', 'TTYDEF_LFLAG'],
    ['c_ispeed', 'TTYDEF_SPEED'],
    ['c_ospeed', 'TTYDEF_SPEED'],
  ] as const)
    type.set(at, member, k.macro(macro));
  const characters = type.addr(at, 'c_cc');
  k.space.writable(characters, k.macro('NCCS')).fill(k.macro('_POSIX_VDISABLE') & 0xff);
  for (const [name, character] of Object.entries(CHARACTERS))
    k.space.store8(characters + k.macro(name), character);
  k.space.store8(characters + k.macro('VMIN'), 1);
  k.space.store8(characters + k.macro('VTIME'), 0);
}

/** What a struct termios asks of the line discipline. */
export function modesOf(k: FreebsdKernel, at: Ptr): Modes {
  const type = k.struct('termios');
  return {
    iflag: type.get(at, 'c_iflag'),
    oflag: type.get(at, 'c_oflag'),
    lflag: type.get(at, 'c_lflag'),
    characters: k.space.readable(type.addr(at, 'c_cc'), k.macro('NCCS')),
  };
}
