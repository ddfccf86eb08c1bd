import { QemuError } from './qemu-error.js';

/** Who carries lines to QEMU and back. */
export interface Wire {
  write(text: string): void;
  read(): string;
}

/** `IRQ raise 21`: an input of the controller that is listened to. */
const IRQ_LINE = /^IRQ (raise|lower) (\d+)$/;
const LETTERS: Readonly<Record<number, string>> = { 1: 'b', 2: 'w', 4: 'l', 8: 'q' };

/**
 * The protocol by which QEMU's devices are tested (docs/devel/qtest.rst): a line for an access, a line for its answer, and between them lines that
 * tell of interrupts.
 */
export class Qtest {
  private rest = '';

  /** `interrupt` is told of lines as they change. */
  constructor(
    private readonly wire: Wire,
    private readonly interrupt: (line: number, level: boolean) => void,
  ) {}

  /** Listens to the inputs of an interrupt controller. */
  interceptInputs(controller: string): void {
    this.ask(`irq_intercept_in ${controller}`);
  }

  /** Hears of interrupts that have come. */
  poll(): void {
    this.ask('endianness');
  }

  readPort(port: number, size: number): number {
    return Number(this.value(`in${LETTERS[size]} 0x${port.toString(16)}`));
  }

  writePort(port: number, size: number, value: number): void {
    this.ask(`out${LETTERS[size]} 0x${port.toString(16)} 0x${(value >>> 0).toString(16)}`);
  }

  readMemory(address: number, size: number): bigint {
    return this.value(`read${LETTERS[size]} 0x${address.toString(16)}`);
  }

  writeMemory(address: number, size: number, value: bigint): void {
    this.ask(`write${LETTERS[size]} 0x${address.toString(16)} 0x${value.toString(16)}`);
  }

  private value(command: string): bigint {
    return BigInt.asUintN(64, BigInt(this.ask(command)));
  }

  /** What follows OK. Throws QemuError for anything else. */
  private ask(command: string): string {
    this.wire.write(`${command}\n`);
    for (;;) {
      const line = this.line();
      const irq = IRQ_LINE.exec(line);
      if (irq) this.interrupt(Number(irq[2]), irq[1] === 'raise');
      else if (line === 'OK' || line.startsWith('OK ')) return line.slice(3);
      else throw new QemuError(`QEMU answers '${line}' to '${command}'`);
    }
  }

  private line(): string {
    let end = this.rest.indexOf('\n');
    while (end < 0) {
      this.rest += this.wire.read();
      end = this.rest.indexOf('\n');
    }
    const line = this.rest.slice(0, end).trimEnd();
    this.rest = this.rest.slice(end + 1);
    return line;
  }
}
