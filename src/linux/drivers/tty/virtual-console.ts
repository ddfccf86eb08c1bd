import type { Ptr } from '../../../cpu/layout.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';

/** The console without a screen that a machine has until a graphics driver takes it: 80 by 25, grey on black. */
const COLUMNS = 80;
const ROWS = 25;
const GREY_ON_BLACK = 7;
const BLANK = 0x0720;

/** The one virtual console (drivers/tty/vt). */
export class VirtualConsole implements Subsystem {
  static readonly builtIn = 'CONFIG_VT';

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    screen_pos: (console: Ptr, offset: number, viewed: boolean) => this.cell(console, offset, viewed),
    screen_glyph: (console: Ptr, offset: number) =>
      this.k.space.load16(this.cell(console, offset, true)) & 0xff,
    screen_glyph_unicode: (console: Ptr, index: number) =>
      this.k.space.load16(this.cell(console, index * 2, true)) & 0xff,
  };

  readonly data = {
    vc_cons: (address: Ptr) => {
      this.k.struct('vc').set(address, 'd', this.makeConsole());
    },
  };

  /** The character at a byte offset of what is, or was, on the screen (screenpos). */
  private cell(console: Ptr, offset: number, viewed: boolean): Ptr {
    const { k } = this;
    const origin = viewed ? 'vc_visible_origin' : 'vc_origin';
    return k.space.fromAddress(k.struct('vc_data').getBig(console, origin)) + offset;
  }

  private makeConsole(): Ptr {
    const { k } = this;
    const type = k.struct('vc_data');
    const console = k.permanent(type.size);
    const bytes = COLUMNS * ROWS * 2;
    const screen = k.permanent(bytes);
    for (let at = screen; at < screen + bytes; at += 2) k.space.store16(at, BLANK);
    const members = {
      vc_cols: COLUMNS,
      vc_rows: ROWS,
      vc_size_row: COLUMNS * 2,
      vc_bottom: ROWS,
      vc_screenbuf: screen,
      vc_screenbuf_size: bytes,
      vc_attr: GREY_ON_BLACK,
      vc_def_color: GREY_ON_BLACK,
      vc_video_erase_char: BLANK,
      vc_can_do_color: 1,
    };
    for (const [member, value] of Object.entries(members)) type.set(console, member, value);
    for (const member of ['vc_origin', 'vc_visible_origin', 'vc_pos'])
      type.setBig(console, member, k.space.toAddress(screen));
    type.setBig(console, 'vc_scr_end', k.space.toAddress(screen + bytes));
    return console;
  }
}
