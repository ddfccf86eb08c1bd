import { emitKeypressEvents } from 'node:readline';
import type { ReadStream, WriteStream } from 'node:tty';
import { type MenuEnd, type MenuState, pressKey, type Screen, screenOf } from './boot-menu.js';
import { type KeyPress, keyOf } from './key.js';

const CLEAR = '\x1b[H\x1b[2J';
const HIDE_CURSOR = '\x1b[?25l';
const SHOW_CURSOR = '\x1b[?25h';

/** Shows a menu on a terminal until it has come to an end. 'interrupted': Ctrl-C. */
export function runMenu(
  input: ReadStream,
  output: WriteStream,
  start: MenuState,
): Promise<MenuEnd | 'interrupted'> {
  return new Promise((resolve) => {
    let state = start;
    const draw = (): void => void output.write(drawing(screenOf(state)));
    const leave = (end: MenuEnd | 'interrupted'): void => {
      input.off('keypress', onKey);
      output.off('resize', draw);
      input.setRawMode(false);
      input.pause();
      output.write(`${CLEAR}${SHOW_CURSOR}`);
      resolve(end);
    };
    const onKey = (_text: string | undefined, press: KeyPress): void => {
      const key = keyOf(press);
      if (key.ctrl && key.name === 'c') {
        leave('interrupted');
        return;
      }
      state = pressKey(state, key);
      if (state.kind === 'list' || state.kind === 'edit') draw();
      else leave(state);
    };
    emitKeypressEvents(input);
    input.setRawMode(true);
    input.on('keypress', onKey);
    output.on('resize', draw);
    input.resume();
    draw();
  });
}

function drawing({ lines, cursor }: Screen): string {
  const place = cursor ? `\x1b[${cursor.line + 1};${cursor.column + 1}H${SHOW_CURSOR}` : HIDE_CURSOR;
  return `${CLEAR}${lines.join('\r\n')}${place}`;
}
