import { beforeEach, describe, expect, it } from 'vitest';
import { PciBench } from '../testing/bench.js';
import { ms, us } from '../time.js';
import { edu } from './edu.js';

const IDENTIFICATION = 0x00;
const LIVENESS = 0x04;
const FACTORIAL = 0x08;
const STATUS = 0x20;
const CAUSE = 0x24;
const RAISE = 0x60;
const ACKNOWLEDGE = 0x64;
const SOURCE = 0x80;
const DESTINATION = 0x88;
const COUNT = 0x90;
const COMMAND = 0x98;
const COMMAND_REGISTER = 4;
const MASTER = 4;
const BUFFER = 0x4_0000;
const HOST = 0x100;

const bench = (): PciBench<ReturnType<typeof edu.create>['device']> => new PciBench(edu);
let b: ReturnType<typeof bench>;

function transfer(from: number, to: number, bytes: number, command: number): void {
  b.write(SOURCE, from, 8);
  b.write(DESTINATION, to, 8);
  b.write(COUNT, bytes, 8);
  b.write(COMMAND, command);
  b.clock.pass(ms(100));
}

beforeEach(() => {
  b = bench();
  b.fn.configure(COMMAND_REGISTER, 2, b.fn.config.read(COMMAND_REGISTER, 2) | MASTER);
});

describe('the card for teaching', () => {
  it('says what it is, and that it lives', () => {
    expect(b.read(IDENTIFICATION)).toBe(0x0100_00ed);
    b.write(LIVENESS, 0x1234_5678);
    expect(b.read(LIVENESS)).toBe(~0x1234_5678 >>> 0);
  });

  it('computes factorials, and takes no other number meanwhile', () => {
    b.write(FACTORIAL, 10);
    b.write(FACTORIAL, 3);
    expect(b.read(STATUS)).toBe(1);
    b.clock.pass(us(10));
    expect([b.read(STATUS), b.read(FACTORIAL), b.pin]).toEqual([0, 3_628_800, false]);
  });

  it('interrupts when a factorial is done, where that is wanted', () => {
    b.write(STATUS, 0xff);
    expect(b.read(STATUS)).toBe(0x80);
    b.write(FACTORIAL, 5);
    b.clock.pass(us(10));
    expect([b.read(FACTORIAL), b.read(CAUSE), b.pin]).toEqual([120, 1, true]);
    b.write(ACKNOWLEDGE, 1);
    expect([b.read(CAUSE), b.pin]).toEqual([0, false]);
  });

  it('interrupts when it is told to, until every cause is acknowledged', () => {
    b.write(RAISE, 0b11);
    b.write(ACKNOWLEDGE, 0b01);
    expect([b.read(CAUSE), b.pin]).toEqual([0b10, true]);
    b.write(ACKNOWLEDGE, 0b10);
    expect(b.pin).toBe(false);
  });

  it('transfers from memory and back', () => {
    b.memory.set([1, 2, 3, 4], HOST);
    transfer(HOST, BUFFER + 8, 4, 0b001);
    expect([b.read(COMMAND), b.pin]).toEqual([0, false]);
    transfer(BUFFER + 8, HOST + 0x10, 4, 0b111);
    expect([...b.memory.subarray(HOST + 0x10, HOST + 0x14)]).toEqual([1, 2, 3, 4]);
    expect([b.read(COMMAND) & 1, b.read(CAUSE), b.pin]).toEqual([0, 0x100, true]);
    expect(b.complaints).toEqual([]);
  });

  it('keeps what a transfer goes by while that is under way', () => {
    b.write(COUNT, 16, 8);
    b.write(COMMAND, 1);
    b.write(COUNT, 1, 8);
    expect(b.read(COUNT, 8)).toBe(16);
  });

  it('complains of transfers that are none of its memory, and transfers nothing', () => {
    transfer(HOST, BUFFER + 4090, 8, 0b001);
    expect(b.complaints).toEqual(['is to transfer 8 bytes at 0x40ffa of its own, where it has no memory']);
  });

  it('transfers nothing while it is no bus master, and nothing beyond its address bits', () => {
    transfer(0x1_0000_0000 - 4, BUFFER, 8, 0b001);
    b.fn.configure(COMMAND_REGISTER, 2, 2);
    transfer(HOST, BUFFER, 8, 0b001);
    expect(b.complaints).toEqual([
      'is to access 8 bytes of memory at 0xfffffffc, which is beyond its 32 address bits',
      'accesses 8 bytes of memory at 0x100 while bus mastering is off',
    ]);
    expect([...b.device.state.buffer.subarray(0, 8)]).toEqual(new Array(8).fill(0xff));
  });
});
