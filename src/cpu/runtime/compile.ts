import { buildGraph } from '../flow/cfg.js';
import { analyse } from '../flow/dominators.js';
import { computeLiveness } from '../flow/liveness.js';
import type { CheckMode } from '../translate/translator.js';
import { translateUnit } from '../translate/unit.js';
import { writeModule } from '../wasm/module.js';
import type { Translation } from './code-cache.js';
import type { CodeKnowledge } from './code-source.js';
import { TYPES, UNIT_IMPORTS } from './linkage.js';
import { slotOf } from './slots.js';

/** Translates the code reachable from `ptr` to a WebAssembly module with one function. */
export function compileUnit(
  knowledge: CodeKnowledge,
  bytes: Uint8Array,
  memoryPages: number,
  ptr: number,
  mode: CheckMode,
): Translation {
  knowledge.beginUnit();
  const graph = buildGraph(knowledge, ptr);
  const flow = analyse(graph);
  const live = computeLiveness(graph, flow);
  const unit = translateUnit(graph, flow, live, knowledge, mode);
  const slots: { offset: number; ptr: number }[] = [];
  const binary = writeModule(
    {
      types: TYPES,
      imports: UNIT_IMPORTS,
      globals: ['unit'],
      memoryPages,
      functions: [{ type: 0, body: unit.body }],
      elements: [{ slot: slotOf(ptr), func: 0 }],
    },
    (offset) => slots.push({ offset, ptr }),
    (offset) => {
      for (const slot of unit.slots) slots.push({ offset: offset + slot.offset, ptr: slot.ptr });
    },
  );
  const code = new Uint8Array(lengthOf(graph.ranges));
  copyRanges(graph.ranges, bytes, code);
  return {
    ptr,
    mode,
    ranges: graph.ranges,
    code,
    asked: [...knowledge.asked],
    jumped: [...knowledge.jumped],
    called: [...knowledge.called],
    sites: unit.sites,
    binary,
    slots,
  };
}

function lengthOf(ranges: readonly number[]): number {
  let total = 0;
  for (let i = 0; i < ranges.length; i += 2) total += ranges[i + 1] - ranges[i];
  return total;
}

function copyRanges(ranges: readonly number[], bytes: Uint8Array, out: Uint8Array): void {
  let at = 0;
  for (let i = 0; i < ranges.length; i += 2) {
    out.set(bytes.subarray(ranges[i], ranges[i + 1]), at);
    at += ranges[i + 1] - ranges[i];
  }
}

/** Makes a module of a translation that may come from another process: slot numbers are those of this one. */
export function moduleOf(translation: Translation): WebAssembly.Module {
  const binary = translation.binary.slice();
  for (const { offset, ptr } of translation.slots) {
    const slot = slotOf(ptr);
    for (let i = 0; i < 4; i++) binary[offset + i] = ((slot >>> (7 * i)) & 0x7f) | 0x80;
    binary[offset + 4] = (slot >>> 28) & 7;
  }
  return new WebAssembly.Module(binary as BufferSource);
}

/** Whether a translation was made from exactly what is in memory now. */
export function isCurrent(translation: Translation, knowledge: CodeKnowledge, bytes: Uint8Array): boolean {
  const { ranges, code, asked } = translation;
  let at = 0;
  for (let i = 0; i < ranges.length; i += 2)
    for (let ptr = ranges[i]; ptr < ranges[i + 1]; ptr++) if (bytes[ptr] !== code[at++]) return false;
  for (let i = 0; i < ranges.length; i += 2)
    for (let ptr = ranges[i]; ptr < ranges[i + 1]; ptr += 4096 - (ptr & 4095))
      if (!knowledge.isExecutable(ptr)) return false;
  for (const [ptr, answer] of asked) if (knowledge.answer(ptr) !== answer) return false;
  for (const [ptr, known] of translation.jumped) if (knowledge.functions.has(ptr) !== known) return false;
  return true;
}
