import type { Ptr } from '../../../cpu/layout.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';

/** Rates by their code in c_cflag: 0 to 15, then those with CBAUDEX (termios(3), include/uapi/asm-generic/termbits.h). */
const SLOW = [0, 50, 75, 110, 134, 150, 200, 300, 600, 1200, 1800, 2400, 4800, 9600, 19_200, 38_400];
const FAST = [
  57_600, 115_200, 230_400, 460_800, 500_000, 576_000, 921_600, 1_000_000, 1_152_000, 1_500_000, 2_000_000,
  2_500_000, 3_000_000, 3_500_000, 4_000_000,
];
const CBAUD = 0o10017;
/** Any rate at all, as c_ospeed says; alone among the fast codes it is 0. */
const BOTHER = 0o10000;
const IBSHIFT = 16;

const codeOf = new Map<number, number>([
  ...SLOW.map((rate, code) => [rate, code] as const),
  ...FAST.map((rate, i) => [rate, BOTHER | (i + 1)] as const),
]);
const rateOf = new Map([...codeOf].map(([rate, code]) => [code, rate]));

/** Line speeds in struct ktermios (drivers/tty/tty_baudrate.c). */
export class BaudRates implements Subsystem {
  static readonly builtIn = 'CONFIG_TTY';

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    tty_termios_baud_rate: (termios: Ptr) => this.rate(termios, 0, 'c_ospeed'),
    tty_termios_input_baud_rate: (termios: Ptr) => this.inputRate(termios),
    tty_termios_encode_baud_rate: (termios: Ptr, input: number, output: number) =>
      this.encode(termios, input, output),
  };

  private rate(termios: Ptr, shift: number, speed: string): number {
    const type = this.k.struct('ktermios');
    const code = (type.get(termios, 'c_cflag') >>> shift) & CBAUD;
    return code === BOTHER ? type.get(termios, speed) : (rateOf.get(code) ?? 0);
  }

  /** B0 as the input rate means that it is the output's. */
  private inputRate(termios: Ptr): number {
    const code = (this.k.struct('ktermios').get(termios, 'c_cflag') >>> IBSHIFT) & CBAUD;
    return this.rate(termios, code === 0 ? 0 : IBSHIFT, code === 0 ? 'c_ospeed' : 'c_ispeed');
  }

  /**
   * Sets both speeds, by a code where there is one within 2 % of the rate. The input's is only written if it was before, or if
   * it differs.
   */
  private encode(termios: Ptr, input: number, output: number): void {
    const type = this.k.struct('ktermios');
    const before = type.get(termios, 'c_cflag');
    const split = ((before >>> IBSHIFT) & CBAUD) !== 0 || input !== output;
    type.set(termios, 'c_ispeed', input);
    type.set(termios, 'c_ospeed', output);
    const inputCode = split ? nearest(input) << IBSHIFT : 0;
    type.set(
      termios,
      'c_cflag',
      ((before & ~(CBAUD | (CBAUD << IBSHIFT))) | nearest(output) | inputCode) >>> 0,
    );
  }
}

function nearest(rate: number): number {
  const exact = codeOf.get(rate);
  if (exact !== undefined) return exact;
  for (const [known, code] of codeOf) if (Math.abs(known - rate) <= Math.floor(rate / 50)) return code;
  return BOTHER;
}
