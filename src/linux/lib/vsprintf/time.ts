import type { Ptr } from '../../../cpu/layout.js';
import type { FormatContext } from './context.js';
import { formatNumber } from './number.js';
import { type Spec, zeroPadded } from './spec.js';
import { formatError } from './text.js';

interface BrokenDown {
  /** Years since 1900. */
  readonly year: number;
  /** 0 to 11. */
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
}

const digits = (value: number, width: number): string => formatNumber(BigInt(value), zeroPadded(width));

/** %ptR of a struct rtc_time and %ptT of a time64_t; d date, t time, r raw, s a space instead of T. */
export function formatTime(context: FormatContext, ptr: Ptr, spec: Spec, letters: string): string {
  switch (letters[1]) {
    case 'R':
      return render(rtcTime(context, ptr), letters);
    case 'T':
      return render(fromSeconds(BigInt.asIntN(64, context.space.load64(ptr))), letters);
    default:
      return formatError('(%pt?)', spec);
  }
}

function rtcTime(context: FormatContext, ptr: Ptr): BrokenDown {
  const type = context.struct('rtc_time');
  return {
    year: type.get(ptr, 'tm_year'),
    month: type.get(ptr, 'tm_mon'),
    day: type.get(ptr, 'tm_mday'),
    hour: type.get(ptr, 'tm_hour'),
    minute: type.get(ptr, 'tm_min'),
    second: type.get(ptr, 'tm_sec'),
  };
}

const DAY_SECONDS = 86_400n;

/** The civil date of seconds since 1970 (proleptic Gregorian calendar). */
function fromSeconds(time: bigint): BrokenDown {
  const second = Number(((time % DAY_SECONDS) + DAY_SECONDS) % DAY_SECONDS);
  const days = Number((time - BigInt(second)) / DAY_SECONDS);
  // Days since 0000-03-01, in eras of 400 years: a year that begins in March has its leap day last.
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const march = Math.floor((5 * dayOfYear + 2) / 153);
  const month = march < 10 ? march + 2 : march - 10;
  return {
    year: yearOfEra + era * 400 + (month < 2 ? 1 : 0) - 1900,
    month,
    day: dayOfYear - Math.floor((153 * march + 2) / 5) + 1,
    hour: Math.floor(second / 3600),
    minute: Math.floor(second / 60) % 60,
    second: second % 60,
  };
}

function render(tm: BrokenDown, letters: string): string {
  const part = letters[2];
  const options = part === 'd' || part === 't' ? letters.slice(3) : letters.slice(2);
  const raw = /^s?r/.test(options);
  const separator = /^r?s/.test(options) ? ' ' : 'T';
  const date = [
    digits(tm.year + (raw ? 0 : 1900), 4),
    digits(tm.month + (raw ? 0 : 1), 2),
    digits(tm.day, 2),
  ];
  const time = [tm.hour, tm.minute, tm.second].map((value) => digits(value, 2));
  if (part === 'd') return date.join('-');
  if (part === 't') return time.join(':');
  return date.join('-') + separator + time.join(':');
}
