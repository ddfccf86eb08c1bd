/** Registers of the card's transceiver, a Marvell 88E1011 (IEEE 802.3 clause 22, and its datasheet), with the link up at 1000 Mb/s. */
const POWER_ON: readonly (readonly [register: number, value: number])[] = [
  [0, 0x1140],
  [1, 0x7949],
  [2, 0x0141],
  [3, 0x0c20],
  [4, 0x0de1],
  [5, 0x01e0],
  [6, 0x0005],
  [9, 0x0e00],
  [10, 0x3c00],
  [15, 0x3000],
  [16, 0x0360],
  [17, 0x8100],
  [20, 0x0d60],
];
const CONTROL = 0;
const CONTROL_RESET = 0x8000;
const CONTROL_RESTART = 0x0200;
const STATUS = 1;
const STATUS_LINK = 0x0004;
const STATUS_NEGOTIATED = 0x0020;
const SPECIFIC_STATUS = 17;
/** Resolved at 1000 Mb/s full duplex, and link, in the specific status. */
const SPECIFIC_RESOLVED = 0x2800;
const SPECIFIC_LINK = 0x0400;
const READ_ONLY: ReadonlySet<number> = new Set([1, 2, 3, 5, 6, 10, 15, 17]);

export function powerOnPhy(): number[] {
  const registers = new Array<number>(32).fill(0);
  for (const [register, value] of POWER_ON) registers[register] = value;
  return registers;
}

export function readPhy(registers: readonly number[], register: number, link: boolean): number {
  const value = registers[register];
  if (!link) return value;
  if (register === STATUS) return value | STATUS_LINK | STATUS_NEGOTIATED;
  return register === SPECIFIC_STATUS ? value | SPECIFIC_RESOLVED | SPECIFIC_LINK : value;
}

export function writePhy(registers: number[], register: number, value: number): void {
  if (READ_ONLY.has(register)) return;
  // Both are done at once.
  registers[register] = register === CONTROL ? value & ~(CONTROL_RESET | CONTROL_RESTART) : value;
}
