import { AddressSpace, PAGE_KERNEL, PAGE_KERNEL_ROX } from '../address-space.js';
import { Cpu } from '../cpu.js';
import { CodeCache } from '../runtime/code-cache.js';
import { VECTORS, VECTORS_SIZE } from '../runtime/layout.js';
import { CASE_CODE, CASE_DATA, CASE_DATA_SIZE, type Case } from './cases.js';
import { TEST_MAP } from './memory-map.js';
import type { Outcome } from './native.js';

const toPtr = (address: bigint): number => (Number(address & 0xffff_ffffn) ^ 0x8000_0000) >>> 0;
const DATA = toPtr(CASE_DATA);
const CODE = toPtr(CASE_CODE);
/** Where cases jump to when they are through; flags are on the stack by then. */
const DONE = CODE + 0x10_0000;

/** Runs cases on modbox's processor. */
export class CaseRunner {
  private readonly space = new AddressSpace(TEST_MAP);
  private readonly cpu = new Cpu(this.space, { codeCache: new CodeCache() });
  private done = false;

  constructor() {
    this.space.map(DATA, 0x1000, PAGE_KERNEL);
    this.space.map(CODE, 0x2000, PAGE_KERNEL_ROX);
    this.cpu.bindHost(DONE, () => {
      this.done = true;
      this.cpu.unwind();
    });
  }

  run(c: Case, code: Uint8Array): Outcome {
    const { space, cpu } = this;
    const text = new Uint8Array(256).fill(0xcc);
    text.set(code);
    // pushfq; jmp DONE
    const at = code.length;
    text.set([0x9c, 0xe9], at);
    new DataView(text.buffer).setInt32(at + 2, DONE - (CODE + at + 6), true);
    space.patch(CODE, text);
    space.bytes.fill(0, DATA, DATA + 0x1000);
    space.bytes.set(c.data, DATA);
    c.regs.forEach((value, reg) => {
      cpu.set(reg, value);
    });
    if (c.vectors) space.bytes.set(c.vectors, VECTORS);
    cpu.rflags = BigInt(c.flags);
    cpu.rip = CASE_CODE;
    this.done = false;
    cpu.fuel = 10_000;
    const exit = cpu.run();
    const regs = c.regs.map((_, reg) => cpu.get(reg));
    const vectors = c.vectors ? { vectors: space.bytes.slice(VECTORS, VECTORS + VECTORS_SIZE) } : undefined;
    if (exit.kind === 'exception') {
      const { vector, address, unimplemented } = exit.exception;
      const data = space.bytes.slice(DATA, DATA + CASE_DATA_SIZE);
      const name = unimplemented ? `unimplemented ${unimplemented}` : vector;
      return {
        regs,
        flags: Number(cpu.rflags),
        data,
        ...vectors,
        fault: { vector: name, rip: cpu.rip, address: address ?? 0n },
      };
    }
    if (!this.done) throw new Error(`unexpected exit ${exit.kind}`);
    const rsp = toPtr(regs[4]);
    const flags = space.view.getUint32(rsp, true);
    // What pushfq overwrote is not part of the comparison: see maskPushed.
    regs[4] += 8n;
    return { regs, flags, data: space.bytes.slice(DATA, DATA + CASE_DATA_SIZE), ...vectors };
  }
}
