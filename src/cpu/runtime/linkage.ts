import type { AddressSpace } from '../address-space.js';
import type { Region } from '../layout.js';
import type { Service } from '../translate/services.js';
import { CodeWriter } from '../wasm/code-writer.js';
import { type FuncType, writeModule } from '../wasm/module.js';
import { I32, I64, Op } from '../wasm/op.js';
import { copyBody, fillBody } from './bulk-glue.js';
import {
  BRANCH_CACHE,
  BRANCH_CACHE_ENTRIES,
  DEPTH_LEFT,
  EXIT_RESULT,
  FUEL,
  RIP,
  regOffset,
} from './layout.js';
import { poisonedBody, watchBody } from './watch-glue.js';

/**
 * Function types by index, the same in every module. Type 0 is that of translated functions: host stack left,
 * slot, RSP and fuel; they return the address they returned to, and fuel.
 */
export const TYPES: readonly FuncType[] = [
  { params: [I32, I32, I64, I64], results: [I64, I64] },
  { params: [I32], results: [I32] },
  { params: [I32, I32], results: [I32] },
  { params: [I64, I32, I64, I64], results: [I64, I64] },
  { params: [], results: [] },
  { params: [], results: [I32] },
  { params: [I64, I64, I64, I32], results: [I64] },
  { params: [I32, I32, I32], results: [I32] },
];

/** The glue module's calls into the host. */
export interface GlueImports {
  /** Prepares the function in a slot; non-zero: exit. */
  translate(slot: number): number;
  /** The slot for the address in RIP, or -1: exit. */
  resolve(): number;
  /** Calls a host function and pops the return address into RIP; non-zero: exit. */
  hostPop(slot: number): number;
  /** Calls a host function; non-zero: exit. */
  host(slot: number): number;
  /** Executes the instruction at a site of a unit; non-zero: exit. */
  slow(unit: number, site: number): number;
  /** Pops the return address into RIP. */
  pop(): void;
  /** Instrumented code tells what it does: see instrumentation.ts. */
  tell(what: number, at: number): number;
  /** An instruction is about to access what is no memory, at a linear offset and the upper half of its address: see translate/device.ts. Non-zero: exit. */
  device(linear: number, upper: number, what: number): number;
  /** It has written there. */
  deviceWrite(): void;
}

export interface Glue extends Readonly<Record<Service, () => void>> {
  /** Calls the function in a slot. 0: it returned, to RIP. */
  enter(slot: number, depth: number): number;
  /** What unused slots hold: translates, then calls. */
  readonly stub: () => void;
  /** What slots of host functions hold. */
  readonly hostThunk: () => void;
}

const compiled = new WeakMap<Region, WebAssembly.Module>();

/** Instantiates the functions that connect the run loop, translated code and the host. */
export function instantiateGlue(
  { memory, memoryMap: { ram } }: AddressSpace,
  table: WebAssembly.Table,
  host: GlueImports,
): Glue {
  let module = compiled.get(ram);
  if (!module) {
    module = new WebAssembly.Module(writeGlue(memory.buffer.byteLength / 65536, ram) as BufferSource);
    compiled.set(ram, module);
  }
  const instance = new WebAssembly.Instance(module, {
    m: { m: memory, t: table },
    h: { ...host },
  });
  return instance.exports as unknown as Glue;
}

function writeGlue(memoryPages: number, ram: Region): Uint8Array {
  const translate = 0;
  const resolve = 1;
  const hostPop = 2;
  const host = 3;
  const slow = 4;
  const pop = 5;
  const tell = 6;
  const device = 7;
  const deviceWrite = 8;
  // The last of the functions below; imports come first.
  const poisoned = 22;
  return writeModule({
    types: TYPES,
    imports: [
      { name: 'translate', type: 1 },
      { name: 'resolve', type: 5 },
      { name: 'hostPop', type: 1 },
      { name: 'host', type: 1 },
      { name: 'slow', type: 2 },
      { name: 'pop', type: 4 },
      { name: 'tell', type: 2 },
      { name: 'device', type: 7 },
      { name: 'deviceWrite', type: 4 },
    ],
    globals: [],
    memoryPages,
    functions: [
      { type: 2, body: enterBody(), name: 'enter' },
      { type: 0, body: stubBody(translate), name: 'stub' },
      { type: 0, body: hostThunkBody(hostPop), name: 'hostThunk' },
      { type: 1, body: passBody(host, 1), name: 'host' },
      { type: 2, body: passBody(slow, 2), name: 'slow' },
      { type: 4, body: passBody(pop, 0), name: 'pop' },
      // dispatch(address, depth, rsp, fuel): calls the code at an address.
      { type: 3, body: dispatchBody(resolve), name: 'dispatch' },
      { type: 6, body: copyBody(poisoned), name: 'copy' },
      { type: 6, body: fillBody(poisoned), name: 'fill' },
      // watch(linear, size): whether an access of up to 8 bytes meets poison.
      { type: 2, body: watchBody(ram), name: 'watch' },
      { type: 2, body: passBody(tell, 2), name: 'tell' },
      { type: 7, body: passBody(device, 3), name: 'device' },
      { type: 4, body: passBody(deviceWrite, 0), name: 'deviceWrite' },
      { type: 2, body: poisonedBody(ram), name: 'poisoned' },
    ],
    elements: [],
  });
}

/** Passes its arguments on to an import: the table holds WebAssembly functions only. */
function passBody(target: number, parameters: number): CodeWriter {
  const w = new CodeWriter(16);
  w.u32(0);
  for (let i = 0; i < parameters; i++) w.get(i);
  w.op(Op.call, target, Op.end);
  return w;
}

/** Pushes the fuel in memory, or stores a local there. */
function loadFuel(w: CodeWriter): void {
  w.i32(0);
  w.memory(Op.i64Load, FUEL);
}

function storeFuel(w: CodeWriter, local: number): void {
  w.i32(0);
  w.get(local);
  w.memory(Op.i64Store, FUEL);
}

/** enter(slot, depth) */
function enterBody(): CodeWriter {
  const w = new CodeWriter(64);
  const returned = 2;
  const fuel = 3;
  w.op(1, 2, I64);
  w.get(1);
  w.get(0);
  w.i32(0);
  w.memory(Op.i64Load, regOffset(4));
  loadFuel(w);
  w.get(0);
  w.op(Op.callIndirect, 0, 0);
  w.set(fuel);
  w.tee(returned);
  w.i64(EXIT_RESULT);
  w.op(Op.i64Eq, Op.if, 0x40);
  w.i32(1);
  w.op(Op.return, Op.end);
  w.i32(0);
  w.get(returned);
  w.memory(Op.i64Store, RIP);
  storeFuel(w, fuel);
  w.i32(0);
  w.op(Op.end);
  return w;
}

function returnExit(w: CodeWriter): void {
  w.op(Op.if, 0x40);
  w.i64(EXIT_RESULT);
  w.i64(0);
  w.op(Op.return, Op.end);
}

/** stub(depth, slot, rsp, fuel) */
function stubBody(translate: number): CodeWriter {
  const w = new CodeWriter(64);
  w.u32(0);
  storeFuel(w, 3);
  w.get(1);
  w.op(Op.call, translate);
  returnExit(w);
  for (const local of [0, 1, 2, 3, 1]) w.get(local);
  w.op(Op.callIndirect, 0, 0, Op.end);
  return w;
}

/** hostThunk(depth, slot, rsp, fuel) */
function hostThunkBody(hostPop: number): CodeWriter {
  const w = new CodeWriter(64);
  w.u32(0);
  storeFuel(w, 3);
  w.i32(0);
  w.get(0);
  w.memory(Op.i32Store, DEPTH_LEFT);
  w.get(1);
  w.op(Op.call, hostPop);
  returnExit(w);
  w.i32(0);
  w.memory(Op.i64Load, RIP);
  loadFuel(w);
  w.op(Op.end);
  return w;
}

/** dispatch(address, depth, rsp, fuel) */
function dispatchBody(resolve: number): CodeWriter {
  const w = new CodeWriter(128);
  const entry = 4;
  const slot = 5;
  w.op(1, 2, I32);
  w.get(0);
  w.op(Op.i32WrapI64);
  w.i32(4);
  w.op(Op.i32ShrU);
  w.get(0);
  w.op(Op.i32WrapI64);
  w.i32(16);
  w.op(Op.i32ShrU, Op.i32Xor);
  w.i32(BRANCH_CACHE_ENTRIES - 1);
  w.op(Op.i32And);
  w.i32(4);
  w.op(Op.i32Shl);
  w.tee(entry);
  w.memory(Op.i64Load, BRANCH_CACHE);
  w.get(0);
  w.op(Op.i64Eq, Op.if, 0x40);
  w.get(entry);
  w.memory(0x28, BRANCH_CACHE + 8);
  w.set(slot);
  w.op(Op.else);
  storeFuel(w, 3);
  w.i32(0);
  w.get(0);
  w.memory(Op.i64Store, RIP);
  w.op(Op.call, resolve);
  w.tee(slot);
  w.i32(0);
  w.op(Op.i32LtS);
  returnExit(w);
  w.get(entry);
  w.get(0);
  w.memory(Op.i64Store, BRANCH_CACHE);
  w.get(entry);
  w.get(slot);
  w.memory(Op.i32Store, BRANCH_CACHE + 8);
  w.op(Op.end);
  for (const local of [1, slot, 2, 3, slot]) w.get(local);
  w.op(Op.callIndirect, 0, 0, Op.end);
  return w;
}
