import { type PciDevice, pci } from '../pci/pci.js';
import type { RegisterSpecs } from '../registers.js';
import { ms, us } from '../time.js';

/** Where its memory for transfers is in its own address space, and how much. */
const BUFFER = 0x4_0000;
const BUFFER_BYTES = 4096;

/** Causes of an interrupt. */
const FACTORIAL_DONE = 0x01;
const TRANSFER_DONE = 0x100;

/** How long it takes. */
const FACTORIAL_TIME = us(10);
const TRANSFER_TIME = ms(100);

/** Registers from here on may be accessed with 64 bits. */
const registers = {
  identification: { at: 0x00, access: 'ro', reset: 0x0100_00ed, bits: { major: [31, 24], minor: [23, 16] } },
  liveness: { at: 0x04 },
  factorial: { at: 0x08 },
  status: { at: 0x20, bits: { computing: 0, interrupts: 7 } },
  cause: { at: 0x24, access: 'ro' },
  raise: { at: 0x60, access: 'wo' },
  acknowledge: { at: 0x64, access: 'wo' },
  source: { at: 0x80, width: 64 },
  destination: { at: 0x88, width: 64 },
  count: { at: 0x90, width: 64 },
  command: { at: 0x98, width: 64, bits: { start: 0, toMemory: 1, interrupts: 2 } },
} as const satisfies RegisterSpecs;

interface State {
  readonly buffer: Uint8Array;
}

type Edu = PciDevice<typeof registers, State, 'computed' | 'transferred'>;

function interrupt({ regs, irq }: Edu, cause: number): void {
  regs.cause.value |= cause;
  if (regs.cause.value !== 0) irq.fire();
}

/** Where a transfer begins in its own memory; undefined, with a word, where it does not lie in there. */
function placeOf(card: Edu, address: bigint): number | undefined {
  const at = Number(address) - BUFFER;
  const bytes = Number(card.regs.count.value);
  if (at >= 0 && at + bytes <= BUFFER_BYTES) return at;
  card.complain(
    `is to transfer ${bytes} bytes at 0x${address.toString(16)} of its own, where it has no memory`,
  );
  return undefined;
}

function transfer(card: Edu): void {
  const { regs, state, dma } = card;
  const [source, destination] = [regs.source.value, regs.destination.value];
  const bytes = Number(regs.count.value);
  const at = placeOf(card, regs.command.toMemory ? source : destination);
  if (at === undefined) return;
  if (regs.command.toMemory) dma.write(destination, state.buffer.slice(at, at + bytes));
  else state.buffer.set(dma.read(source, bytes), at);
}

/** Modulo 2^32. */
function factorialOf(n: number): number {
  let product = 1;
  for (let i = 2; i <= n && product !== 0; i++) product = Math.imul(product, i) >>> 0;
  return product;
}

/** Registers of a transfer that is under way do not change. */
const unlessBusy =
  (register: 'source' | 'destination' | 'count') =>
  ({ regs }: Edu, _value: bigint, before: bigint): void => {
    if (regs.command.start) regs[register].value = before;
  };

/**
 * QEMU's device for teaching (docs/specs/edu.rst there): it inverts and computes factorials, interrupts, and transfers between the machine's memory and
 * 4 KiB of its own. Its address bits are those that QEMU's has with `dma_mask=0xffffffff`; by default that has 28, which reach none of this machine's memory.
 */
export const edu = pci({
  name: 'edu',
  id: {
    vendor: 0x1234,
    device: 0x11e8,
    class: 0x00_ff00,
    revision: 0x10,
    subvendor: 0x1af4,
    subdevice: 0x1100,
  },
  bars: { 0: { size: 0x10_0000 } },
  interrupts: { pin: 'A', msi: 1 },
  dmaBits: 32,
  registers,
  state: (): State => ({ buffer: new Uint8Array(BUFFER_BYTES) }),
  writes: {
    liveness({ regs }: Edu, value) {
      regs.liveness.value = ~value >>> 0;
    },
    factorial(card, value, before) {
      const { regs } = card;
      if (regs.status.computing) {
        regs.factorial.value = before;
        return;
      }
      regs.factorial.value = value;
      regs.status.computing = 1;
      card.after(FACTORIAL_TIME, 'computed');
    },
    status({ regs }, value, before) {
      regs.status.value = (before & 1) | (value & 0x80);
    },
    raise: (card, causes) => interrupt(card, causes),
    acknowledge({ regs, irq }, causes) {
      regs.cause.value = (regs.cause.value & ~causes) >>> 0;
      if (regs.cause.value === 0) irq.lower();
    },
    source: unlessBusy('source'),
    destination: unlessBusy('destination'),
    count: unlessBusy('count'),
    command(card, value, before) {
      const { regs } = card;
      if (before & 1n) regs.command.value = before;
      else if (value & 1n) card.after(TRANSFER_TIME, 'transferred');
    },
  },
  alarms: {
    computed(card) {
      const { regs } = card;
      regs.factorial.value = factorialOf(regs.factorial.value);
      regs.status.computing = 0;
      if (regs.status.interrupts) interrupt(card, FACTORIAL_DONE);
    },
    transferred(card) {
      transfer(card);
      card.regs.command.start = 0;
      if (card.regs.command.interrupts) interrupt(card, TRANSFER_DONE);
    },
  },
});
