import { type I2cChip, i2c } from '../i2c/i2c.js';
import type { RegisterSpecs } from '../registers.js';
import { seconds } from '../time.js';

/** Decimal digits in nibbles, as clocks count. */
const toBcd = (value: number): number => (Math.floor(value / 10) << 4) | (value % 10);
const fromBcd = (value: number): number => (value >> 4) * 10 + (value & 0xf);

const CENTURY = 2000;
const AFTERNOON = 0x20;

const registers = {
  seconds: { at: 0, width: 8, reset: 0x80, bits: { seconds: [6, 0], halted: 7 } },
  minutes: { at: 1, width: 8 },
  hours: { at: 2, width: 8, bits: { hours: [5, 0], twelve: 6 } },
  weekday: { at: 3, width: 8, reset: 1 },
  date: { at: 4, width: 8, reset: 1 },
  month: { at: 5, width: 8, reset: 1 },
  year: { at: 6, width: 8 },
  control: { at: 7, width: 8, reset: 0x03, todo: 'the output of a square wave' },
} as const satisfies RegisterSpecs;

type Clock = I2cChip<typeof registers, undefined, 'second'>;

/** Milliseconds since 1970 that its registers say. */
function timeOf({ regs }: Clock): number {
  const hour = regs.hours.twelve
    ? (fromBcd(regs.hours.hours & ~AFTERNOON) % 12) + (regs.hours.hours & AFTERNOON ? 12 : 0)
    : fromBcd(regs.hours.hours);
  return Date.UTC(
    CENTURY + fromBcd(regs.year.value),
    fromBcd(regs.month.value) - 1,
    fromBcd(regs.date.value),
    hour,
    fromBcd(regs.minutes.value),
    fromBcd(regs.seconds.seconds),
  );
}

function show({ regs }: Clock, milliseconds: number): void {
  const before = regs.date.value;
  const time = new Date(milliseconds);
  const hour = time.getUTCHours();
  const ofTwelve = toBcd(hour % 12 || 12) | (hour >= 12 ? AFTERNOON : 0);
  regs.seconds.seconds = toBcd(time.getUTCSeconds());
  regs.minutes.value = toBcd(time.getUTCMinutes());
  regs.hours.hours = regs.hours.twelve ? ofTwelve : toBcd(hour);
  regs.date.value = toBcd(time.getUTCDate());
  regs.month.value = toBcd(time.getUTCMonth() + 1);
  regs.year.value = toBcd(time.getUTCFullYear() % 100);
  // "The day-of-week register increments at midnight": which day is the first is the user's.
  if (regs.date.value !== before) regs.weekday.value = (regs.weekday.value % 7) + 1;
}

/** Maxim's DS1307: a clock with a calendar, which stands still until its oscillator is let run (datasheet 19-5158). Its battery's memory is not there. */
export const ds1307 = i2c({
  name: 'ds1307',
  address: 0x68,
  pointer: 'bytes',
  registers,
  alarms: {
    second(chip: Clock) {
      if (chip.regs.seconds.halted) return;
      show(chip, timeOf(chip) + 1000);
      chip.after(seconds(1), 'second');
    },
  },
  writes: {
    // "Writing the seconds register resets the countdown chain."
    seconds: (chip) => chip.after(seconds(1), 'second'),
  },
});
