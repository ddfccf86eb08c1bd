import { describe, expect, it } from 'vitest';
import { RAX, RDI } from './cpu-types.js';
import { type CodeObserver, type Instrumentation, PLAIN } from './instrumentation.js';
import { CodeCache, type Translation, type TranslationStore } from './runtime/code-cache.js';
import { decodeTranslation } from './runtime/stored-translation.js';
import { CODE, machine, type TestMachine } from './testing/machine.js';

const CALLS: Instrumentation = { calls: true, blocks: false };
const BLOCKS: Instrumentation = { calls: false, blocks: true };
/** Twice in a loop, so that `inner` becomes a copy in the module of `outer`; then through a register. */
const CODE_TEXT = `
  outer: push rbx
  mov ebx, 2
  1: call inner
  dec ebx
  jnz 1b
  lea rax, [rip+inner]
  call rax
  pop rbx
  ret
  inner: lea rax, [rdi+1]
  mov rdi, rax
  ret`;

/** What a CPU told, as text, with offsets in the code. */
class Notes implements CodeObserver {
  readonly lines: string[] = [];
  called(fn: number, caller: number): void {
    this.lines.push(`+${fn - CODE} from +${caller - CODE}`);
  }
  returned(at: number, frame: number): void {
    this.lines.push(`-${at - CODE} of ${frame & 0xff}`);
  }
  covered(at: number): void {
    this.lines.push(`=${at - CODE}`);
  }
}

/** A store that keeps everything that is ever translated. */
class Everything implements TranslationStore {
  readonly made: Translation[] = [];
  load = (): readonly Uint8Array[] => [];
  save(_key: string, entry: Uint8Array): void {
    this.made.push(decodeTranslation(entry)!);
  }
  flush = (): void => undefined;
}

function run(
  codeCache: CodeCache,
  what: Instrumentation,
  fuel?: number,
): { notes: string[]; m: TestMachine } {
  const m = machine({ codeCache });
  m.load(CODE_TEXT);
  const notes = new Notes();
  if (what !== PLAIN) m.cpu.instrument(what, notes);
  m.cpu.set(RDI, 5n);
  if (fuel !== undefined) m.cpu.fuel = fuel;
  expect(m.call()).toEqual({ kind: 'returned' });
  expect(m.cpu.get(RAX)).toBe(8n);
  return { notes: notes.lines, m };
}

const TOLD = ['+26 from +11', '-26 of 176', '+26 from +11', '-26 of 176', '+26 from +24', '-26 of 176'];

describe('instrumented code', () => {
  it('tells of calls and returns between functions, also of copied ones and through registers', () => {
    expect(run(new CodeCache(), CALLS).notes).toEqual(TOLD);
  });

  it('tells once of each basic block that it enters, and again where the code was changed', () => {
    const { notes, m } = run(new CodeCache(), BLOCKS);
    expect(notes).toEqual(['=0', '=6', '=26', '=11', '=15', '=24']);
    m.call();
    expect(notes).toHaveLength(6);
    m.load('lea rax, [rdi+2]\nmov rdi, rax\nret', 26);
    m.call();
    expect(notes.slice(6)).toEqual(['=26']);
  });

  it('does not tell of what the base kernel itself does: calls of its functions, and what returns to it', () => {
    const m = machine({ codeCache: new CodeCache() });
    const notes = new Notes();
    m.cpu.instrument(CALLS, notes);
    m.cpu.bindHost(0x0200_0000, () => m.cpu.set(RAX, 1n));
    m.load('call 0xffffffff82000000\nmov rax, 0xffffffff82000000\ncall rax\nret');
    m.call();
    expect(notes.lines).toEqual([]);
  });

  it('is no other than plain code in one process, in either order', () => {
    for (const order of [
      [PLAIN, CALLS, PLAIN, BLOCKS, PLAIN],
      [CALLS, PLAIN, BLOCKS, CALLS, PLAIN],
    ]) {
      const cache = new CodeCache();
      for (const what of order) {
        const { notes } = run(cache, what);
        if (what === PLAIN) expect(notes).toEqual([]);
        else if (what === CALLS) expect(notes).toEqual(TOLD);
        else expect(notes).toHaveLength(6);
      }
    }
  });

  it('leaves plain translations as they are, byte for byte', () => {
    const alone = new Everything();
    run(new CodeCache(alone), PLAIN);
    const mixed = new Everything();
    const cache = new CodeCache(mixed);
    for (const what of [CALLS, BLOCKS, PLAIN]) run(cache, what);
    const plain = mixed.made.filter(({ instrumentation }) => instrumentation === '');
    expect(plain).toEqual(alone.made);
    expect(mixed.made.length).toBe(3 * alone.made.length);
  });

  it('takes as many instructions as plain code', () => {
    const used = [PLAIN, CALLS, BLOCKS].map((what) => run(new CodeCache(), what, 1000).m.cpu.fuel);
    expect(new Set(used).size).toBe(1);
  });

  it('begins and ends while it runs', () => {
    const m = machine({ codeCache: new CodeCache() });
    const notes = new Notes();
    let wanted = CALLS;
    m.cpu.bindHost(0x0200_0000, () => m.cpu.instrument(wanted, notes));
    m.load('call 1f\ncall 0xffffffff82000000\ncall 1f\nret\n1: ret');
    m.call();
    expect(notes.lines).toHaveLength(2);
    wanted = PLAIN;
    m.call();
    expect(notes.lines).toHaveLength(4);
  });
});
