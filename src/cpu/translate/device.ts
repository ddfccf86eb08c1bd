import type { Insn } from '../decode/instruction.js';
import { DEVICE_WRITE, FUEL, RIP } from '../runtime/layout.js';
import { Op } from '../wasm/op.js';
import { L } from './locals.js';
import { callService } from './services.js';
import type { Translator } from './translator.js';

/** What is asked of the service 'device' beside the size: the instruction reads, it writes. */
export const DEVICE_READS = 0x100;
export const DEVICE_WRITES = 0x200;

/** Instructions that write to memory without looking at what was there. */
const PURE_STORES = new Set([
  'mov',
  'movnti',
  'movbe',
  'setcc',
  'pop',
  'push',
  'movs',
  'stos',
  'call',
  'calli',
]);

function readsFirst(insn: Insn): boolean {
  return !(insn.vector || PURE_STORES.has(insn.op));
}

/**
 * Pops whether the pages at L.ea are no memory that may be accessed: then a device is asked, which fills in the bytes there. Leaves at the site aimed at where
 * there is none.
 */
export function askDevice(t: Translator, size: number, write: boolean): void {
  const { w } = t;
  const reads = !write || readsFirst(t.insn);
  w.op(Op.if, 0x40);
  t.depth++;
  // Who asks when: the register file's RIP and fuel are nobody else's at this place.
  w.i32(0);
  w.i64(t.insn.address);
  w.memory(Op.i64Store, RIP);
  w.i32(0);
  w.get(L.fuel);
  w.memory(Op.i64Store, FUEL);
  w.get(L.ea);
  w.op(Op.i32WrapI64);
  w.get(L.ea);
  w.i64(0x8000_0000);
  w.op(Op.i64Add);
  w.i64(32);
  w.op(Op.i64ShrU, Op.i32WrapI64);
  w.i32(size | (reads ? DEVICE_READS : 0) | (write ? DEVICE_WRITES : 0));
  callService(w, 'device');
  t.exitIf();
  w.i32(0);
  w.memory(Op.i64Load, FUEL);
  w.set(L.fuel);
  w.op(Op.end);
  t.depth--;
}

/** After an instruction that may have written to a device's page: the device is told. */
export function tellDevice(t: Translator): void {
  const { w } = t;
  w.i32(0);
  w.memory(0x28, DEVICE_WRITE);
  w.op(Op.if, 0x40);
  callService(w, 'deviceWrite');
  w.op(Op.end);
}
