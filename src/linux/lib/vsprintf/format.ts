import type { VarArgs } from '../../../kernel/abi/convention.js';
import { Oops } from '../../errors.js';
import { badPointer, type FormatContext } from './context.js';
import { asInteger, formatNumber } from './number.js';
import { Output } from './output.js';
import { formatPointer } from './pointer.js';
import { decode, type Flags, type Spec } from './spec.js';
import { formatError, pad } from './text.js';
import { copyVaList } from './va-list.js';

const MAX_WIDTH = 2 ** 23 - 1;
const MAX_PRECISION = 2 ** 15 - 1;

/** What a format gives: so much of its text as was asked for, and the length of all of it. */
interface Formatted {
  readonly text: string;
  readonly length: number;
}

/** vsnprintf's text for a format and its arguments, as a string of bytes (characters 0 to 255): see formatUpTo. */
export function format(context: FormatContext, fmt: string, args: VarArgs): string {
  return formatUpTo(context, fmt, args, Number.POSITIVE_INFINITY).text;
}

/**
 * vsnprintf's text for a format and its arguments, of which only the first `limit` characters are made. The pointer
 * extensions are those of Documentation/core-api/printk-formats.rst. An unknown conversion ends the output,
 * for what follows it could not be matched to arguments.
 */
export function formatUpTo(context: FormatContext, fmt: string, args: VarArgs, limit: number): Formatted {
  const out = new Output(limit);
  for (let at = 0; at < fmt.length; ) {
    const { conversion, next } = decode(fmt, at);
    at = next;
    switch (conversion.kind) {
      case 'text':
        out.add(conversion.text);
        break;
      case 'percent':
        out.add('%');
        break;
      case 'integer': {
        const spec = withArguments(context, conversion.spec, args);
        const value = asInteger(args.next64(), conversion.size, spec.signed);
        out.addPadded(spec, (shown) => formatNumber(value, shown));
        break;
      }
      case 'char': {
        const spec = withArguments(context, conversion.spec, args);
        const character = String.fromCharCode(args.nextInt() & 0xff);
        out.addPadded(spec, (shown) => pad(character, shown));
        break;
      }
      case 'string': {
        const spec = withArguments(context, conversion.spec, args);
        addString(out, context, args.next64(), spec);
        break;
      }
      case 'pointer': {
        const spec = withArguments(context, conversion.spec, args);
        let end = at;
        while (/[0-9A-Za-z]/.test(fmt[end] ?? '')) end++;
        const letters = fmt.slice(at, end);
        const address = args.next64();
        if (letters.startsWith('V')) addNested(out, context, address, spec);
        else out.addPadded(spec, (shown) => formatPointer(context, address, shown, letters));
        at = end;
        break;
      }
      case 'invalid':
        context.warnOnce(`Please remove unsupported %${conversion.letter} in format string\n`);
        return out;
    }
  }
  return out;
}

/** %s */
function addString(out: Output, context: FormatContext, address: bigint, spec: Spec): void {
  const bad = badPointer(address);
  if (bad !== undefined) {
    out.addPadded(spec, (shown) => formatError(bad, shown));
    return;
  }
  const { space } = context;
  const ptr = space.fromAddress(address);
  const length = space.cstringLength(ptr, spec.precision < 0 ? Number.POSITIVE_INFINITY : spec.precision);
  out.addText(length, spec, (count) => space.cstring(ptr, count));
}

/** Takes `*` widths and precisions from the arguments. */
function withArguments(context: FormatContext, spec: Flags, args: VarArgs): Spec {
  if (!spec.starWidth && !spec.starPrecision) return spec;
  let { width, precision, left } = spec;
  if (spec.starWidth) {
    width = args.nextInt();
    if (Math.abs(width) > MAX_WIDTH) {
      context.warnOnce(`field width ${width} too large`);
      width = Math.sign(width) * MAX_WIDTH;
    }
    if (width < 0) {
      left = true;
      width = -width;
    }
  }
  if (spec.starPrecision) {
    precision = args.nextInt();
    if (precision > MAX_PRECISION) {
      context.warnOnce(`precision ${precision} too large`);
      precision = MAX_PRECISION;
    }
    precision = Math.max(precision, 0);
  }
  return { ...spec, width, precision, left };
}

/** %pV: a struct va_format, another format with its arguments. */
function addNested(out: Output, context: FormatContext, address: bigint, spec: Spec): void {
  const bad = badPointer(address);
  if (bad !== undefined) {
    out.addPadded(spec, (shown) => formatError(bad, shown));
    return;
  }
  const ptr = context.space.fromAddress(address);
  const type = context.struct('va_format');
  // A format that is among its own arguments: the kernel's stack ends somewhere, and so does the host's.
  if (depth >= MAX_VA_FORMAT_DEPTH)
    throw new Oops('stack-overflow', 'BUG: TASK stack guard page was hit in vsnprintf: %pV within %pV', ptr);
  depth++;
  try {
    const args = copyVaList(context.space, type.get(ptr, 'va'));
    const { text, length } = formatUpTo(context, type.string(ptr, 'fmt'), args, out.room);
    out.add(text, length);
  } finally {
    depth--;
  }
}

/** Formats within formats that a stack of 16 KiB has room for, some 250 bytes each. */
const MAX_VA_FORMAT_DEPTH = 60;
let depth = 0;
