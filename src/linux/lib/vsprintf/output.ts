import type { Spec } from './spec.js';

/** The longest text that a number, a pointer or a name comes to without padding. */
const MAX_CONTENT = 8192;

/**
 * Where the parts of a formatted text are put together: what is beyond the limit is only counted, so that a field of eight
 * million characters costs as much as one of eight.
 */
export class Output {
  text = '';
  /** Length of all of the text. */
  length = 0;

  constructor(private readonly limit: number) {}

  /** Characters that are still made. */
  get room(): number {
    return Math.max(this.limit - this.text.length, 0);
  }

  /** Adds a text, or the beginning of one that is `length` characters long. */
  add(text: string, length = text.length): void {
    this.text += text.length <= this.room ? text : text.slice(0, this.room);
    this.length += length;
  }

  /** Adds what `make` gives for a field, which it pads to the width that it is given: never to much more than there is room. */
  addPadded(spec: Spec, make: (shown: Spec) => string): void {
    const width = Math.min(spec.width, this.room + MAX_CONTENT);
    const text = make(width === spec.width ? spec : { ...spec, width });
    this.add(text, width === spec.width ? text.length : Math.max(spec.width, text.length));
  }

  /** Adds a text of that length, padded to the width; `make` gives its first characters. */
  addText(length: number, spec: Spec, make: (count: number) => string): void {
    const padding = Math.max(spec.width - length, 0);
    const blank = (count: number): string => ' '.repeat(Math.min(count, this.room));
    if (!spec.left) this.add(blank(padding), padding);
    this.add(make(Math.min(length, this.room)), length);
    if (spec.left) this.add(blank(padding), padding);
  }
}
