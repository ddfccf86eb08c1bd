import type { Ptr } from '../../../cpu/layout.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { glyph } from './glyphs.js';

interface Font {
  readonly name: string;
  readonly option: string;
  readonly index: number;
  readonly width: 8 | 16;
  readonly height: number;
}

const CHARACTERS = 256;
/** Free dots on the right of a letter of five, in a cell of eight. */
const RIGHT_MARGIN = 2;
/** Rows of a letter, with the free one below: what a cell's height is divided into. */
const ROWS = 8;

/** Of the fonts that a kernel may have built in (lib/fonts/fonts.c), those of these sizes. */
const FONTS: readonly Font[] = [
  { name: 'VGA8x8', option: 'CONFIG_FONT_8x8', index: 0, width: 8, height: 8 },
  { name: 'VGA8x16', option: 'CONFIG_FONT_8x16', index: 1, width: 8, height: 16 },
  { name: 'TER16x32', option: 'CONFIG_FONT_TER16x32', index: 11, width: 16, height: 32 },
];

/** Fonts for text on a screen, by the kernel's names and in its sizes. The letters are modbox's own. */
export class Fonts implements Subsystem {
  private readonly made = new Map<string, Ptr>();

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    find_font: (name: Ptr) => this.find(this.k.space.cstring(name)),
  };

  /** find_font(): struct font_desc of a font that the kernel has, or 0. */
  private find(name: string): Ptr {
    const known = this.made.get(name);
    if (known !== undefined) return known;
    const font = FONTS.find((one) => one.name === name && this.k.configured(one.option));
    if (font === undefined) return 0;
    const made = this.describe(font);
    this.made.set(name, made);
    return made;
  }

  private describe(font: Font): Ptr {
    const { k } = this;
    const type = k.struct('font_desc');
    const at = k.permanent(type.size);
    type.set(at, 'idx', font.index);
    type.set(at, 'name', k.constantString(font.name));
    type.set(at, 'width', font.width);
    type.set(at, 'height', font.height);
    if (type.has('charcount')) type.set(at, 'charcount', CHARACTERS);
    type.set(at, 'data', this.draw(font));
    return at;
  }

  /** Bytes of rows, the leftmost dot in the highest bit; a cell of another size than 8 by 8 has every dot larger. */
  private draw(font: Font): Ptr {
    const bytes = font.width / 8;
    const size = CHARACTERS * font.height * bytes;
    const data = this.k.permanent(size);
    const dots = this.k.space.writable(data, size);
    const repeat = font.height / ROWS;
    for (let code = 0; code < CHARACTERS; code++)
      for (const [i, row] of glyph(code).entries()) {
        const start = (code * font.height + i * repeat + Math.floor(repeat / 2)) * bytes;
        const line = widened(row << RIGHT_MARGIN, bytes);
        for (let j = 0; j < repeat; j++) dots.set(line, start + j * bytes);
      }
    return data;
  }
}

/** A row of eight dots as so many bytes, each dot as many dots wide. */
function widened(row: number, bytes: number): number[] {
  const wide = Array.from(row.toString(2).padStart(8, '0'), (dot) => dot.repeat(bytes)).join('');
  return Array.from({ length: bytes }, (_, i) => Number.parseInt(wide.slice(i * 8, i * 8 + 8), 2));
}
