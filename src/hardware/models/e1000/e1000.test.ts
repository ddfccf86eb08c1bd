import { describe, expect, it } from 'vitest';
import { PciBench } from '../../testing/bench.js';
import { e1000, receiveFrame } from './e1000.js';

const [CTRL, STATUS, EECD, MDIC, ICR, IMS] = [0x00, 0x08, 0x10, 0x20, 0xc0, 0xd0];
const [RCTL, TCTL] = [0x100, 0x400];
const [RDBAL, RDLEN, RDH, RDT] = [0x2800, 0x2808, 0x2810, 0x2818];
const [TDBAL, TDLEN, TDH, TDT] = [0x3800, 0x3808, 0x3810, 0x3818];
const RESET = 0x0400_0000;
const MAC = [0x52, 0x54, 0x00, 0x12, 0x34, 0x56];
const RING = 0x1000;
const BUFFER = 0x4000;

function bench() {
  const card = new PciBench(e1000);
  // Memory and bus mastering.
  card.fn.configure(0x04, 2, 0x07);
  return card;
}

type Bench = ReturnType<typeof bench>;

/** Reads a word of the EEPROM over its pins. */
function eeprom(card: Bench, address: number): number {
  const [SK, CS, DI, DO] = [1, 2, 4, 8];
  const pins = (value: number): void => card.write(EECD, value);
  const shift = (bit: number): number => {
    pins(CS | (bit ? DI : 0));
    pins(CS | (bit ? DI : 0) | SK);
    return card.read(EECD) & DO ? 1 : 0;
  };
  pins(0);
  for (const bit of [1, 1, 0]) shift(bit);
  for (let i = 5; i >= 0; i--) shift((address >> i) & 1);
  let word = 0;
  for (let i = 0; i < 16; i++) word = (word << 1) | shift(0);
  pins(0);
  return word;
}

function phy(card: Bench, register: number): number {
  card.write(MDIC, (2 << 26) | (1 << 21) | (register << 16));
  const value = card.read(MDIC);
  expect(value & 0x1000_0000).not.toBe(0);
  return value & 0xffff;
}

/** A ring of eight descriptors that begin with these words, or empty ones. */
function ring(card: Bench, at: number, length: number, head: number, tail: number): void {
  card.write(at, RING);
  card.write(length, 8 * 16);
  card.write(head, 0);
  if (tail) card.write(tail, 0);
}

const view = (card: Bench): DataView => new DataView(card.memory.buffer);

describe('82540EM', () => {
  it('has its address in an EEPROM whose words add up', () => {
    const card = bench();
    expect([0, 1, 2].map((word) => eeprom(card, word))).toEqual([0x5452, 0x1200, 0x5634]);
    const sum = Array.from({ length: 64 }, (_, word) => eeprom(card, word)).reduce((a, b) => a + b);
    expect(sum & 0xffff).toBe(0xbaba);
  });

  it('has a transceiver with a link', () => {
    const card = bench();
    expect([phy(card, 2), phy(card, 3)]).toEqual([0x0141, 0x0c20]);
    expect(phy(card, 1) & 0x24).toBe(0x24);
    card.device.set('link', 0);
    expect(phy(card, 1) & 0x24).toBe(0);
    expect(card.read(STATUS) & 2).toBe(0);
    expect(card.read(ICR)).toBe(4);
  });

  it('interrupts for causes that are wanted, until they are read', () => {
    const card = bench();
    card.device.set('link', 1);
    expect(card.pin).toBe(false);
    card.write(IMS, 4);
    expect(card.pin).toBe(true);
    expect(card.read(ICR)).toBe(4);
    expect([card.pin, card.read(ICR)]).toEqual([false, 0]);
  });

  it('sends packets of one or more descriptors, and reports those that ask for it', () => {
    const card = bench();
    card.memory.set([1, 2, 3], BUFFER);
    card.memory.set([4, 5], BUFFER + 0x100);
    const at = view(card);
    ring(card, TDBAL, TDLEN, TDH, 0);
    at.setUint32(RING, BUFFER, true);
    at.setUint32(RING + 8, 3, true);
    at.setUint32(RING + 16, BUFFER + 0x100, true);
    // End of packet, report status.
    at.setUint32(RING + 24, 2 | (0x09 << 24), true);
    card.write(TCTL, 2);
    card.write(TDT, 2);
    expect(card.device.state.sent).toEqual([Uint8Array.of(1, 2, 3, 4, 5)]);
    expect([at.getUint8(RING + 12), at.getUint8(RING + 28)]).toEqual([0, 1]);
    expect([card.read(TDH), card.read(ICR), card.read(0x4080)]).toEqual([2, 3, 1]);
  });

  it('inserts checksums where a context says', () => {
    const card = bench();
    const at = view(card);
    ring(card, TDBAL, TDLEN, TDH, 0);
    card.memory.set([0x45, 0, 0, 20, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 2, 15, 10, 0, 2, 2], BUFFER);
    // The header's checksum: from byte 0 to 19, at 10.
    at.setUint32(RING, 0 | (10 << 8) | (19 << 16), true);
    at.setUint32(RING + 8, (0x20 << 24) >>> 0, true);
    at.setUint32(RING + 16, BUFFER, true);
    at.setUint32(RING + 24, 20 | (1 << 20) | (0x21 << 24), true);
    at.setUint8(RING + 29, 1);
    card.write(TCTL, 2);
    card.write(TDT, 2);
    const [packet] = card.device.state.sent;
    const words = Array.from({ length: 10 }, (_, i) => (packet[2 * i] << 8) | packet[2 * i + 1]);
    const sum = words.reduce((a, b) => a + b);
    expect((sum & 0xffff) + (sum >>> 16)).toBe(0xffff);
  });

  it('stores frames for its address and broadcasts, and drops the others', () => {
    const card = bench();
    const at = view(card);
    ring(card, RDBAL, RDLEN, RDH, RDT);
    at.setUint32(RING, BUFFER, true);
    card.write(RDT, 7);
    expect(receiveFrame(card.device, Uint8Array.from([...MAC, ...new Array(54).fill(7)]))).toBe(false);
    // Enabled, broadcasts accepted.
    card.write(RCTL, 0x8002);
    expect(receiveFrame(card.device, Uint8Array.from([0, 1, 2, 3, 4, 5, ...new Array(54).fill(7)]))).toBe(
      false,
    );
    expect(receiveFrame(card.device, Uint8Array.from([...MAC, 1, 2, 3]))).toBe(true);
    expect([...card.memory.subarray(BUFFER, BUFFER + 10)]).toEqual([...MAC, 1, 2, 3, 0]);
    // Padded to 60 bytes, with a CRC.
    expect([at.getUint16(RING + 8, true), at.getUint8(RING + 12) & 3]).toEqual([64, 3]);
    expect([card.read(RDH), card.read(ICR) & 0x80]).toEqual([1, 0x80]);
  });

  it('tells of frames that it has no room for', () => {
    const card = bench();
    ring(card, RDBAL, RDLEN, RDH, RDT);
    card.write(RCTL, 0x8002);
    expect(receiveFrame(card.device, new Uint8Array(60).fill(0xff))).toBe(false);
    expect([card.read(ICR), card.read(0x4010)]).toEqual([0x40, 1]);
  });

  it('is reset by a bit, also by the window of ports', () => {
    const card = bench();
    card.write(IMS, 0xff);
    card.write(CTRL, RESET);
    expect([card.read(IMS), card.read(CTRL) & RESET]).toEqual([0, 0]);
    card.write(IMS, 0xff);
    card.write(0, CTRL, 4, 1);
    card.write(4, RESET, 4, 1);
    expect(card.read(IMS)).toBe(0);
  });
});
