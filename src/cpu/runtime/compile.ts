import { buildGraph, type Graph } from '../flow/cfg.js';
import { analyse, type FlowInfo } from '../flow/dominators.js';
import { computeLiveness } from '../flow/liveness.js';
import { innermostLoops } from '../flow/loops.js';
import { instrumentationKey } from '../instrumentation.js';
import type { Site } from '../translate/site.js';
import { translateUnit } from '../translate/unit.js';
import { type HelperName, helperOf } from '../translate/vector/helpers.js';
import { CodeWriter } from '../wasm/code-writer.js';
import { type FuncType, writeModule } from '../wasm/module.js';
import { I32, I64, Op, V128 } from '../wasm/op.js';
import type { Translation, Variant } from './code-cache.js';
import type { CodeKnowledge } from './code-source.js';
import { TYPES } from './linkage.js';
import type { Slots } from './slots.js';

/** Functions that are copied into their caller's module, and how long they may be. */
const MAX_COPIES = 4;
const MAX_COPY_INSNS = 300;

/**
 * Translates the code reachable from `ptr` to a WebAssembly module. Small functions that it calls in loops are
 * copied into the module, so that these calls are direct.
 */
export function compileUnit(
  knowledge: CodeKnowledge,
  bytes: Uint8Array,
  memoryPages: number,
  ptr: number,
  { mode, instrumentation }: Variant,
  mayCopy: (ptr: number) => boolean = () => true,
): Translation {
  knowledge.beginUnit();
  const main = buildGraph(knowledge, ptr);
  const flow = analyse(main);
  const graphs = [main, ...findCopies(knowledge, main, flow, mayCopy)];
  const functions = new Map(graphs.map((graph, i) => [graph.blocks[0].ptr, i]));
  const sites: Site[] = [];
  const helpers: HelperName[] = [];
  const firstHelper = graphs.length;
  const helper = (name: HelperName): number => {
    if (!helpers.includes(name)) helpers.push(name);
    return firstHelper + helpers.indexOf(name);
  };
  const units = graphs.map((graph, i) => {
    const graphFlow = i === 0 ? flow : analyse(graph);
    const live = computeLiveness(graph, graphFlow);
    const shared = { sites, functions, helper, instrumentation };
    return translateUnit(graph, graphFlow, live, knowledge, i === 0 ? mode : 'quick', shared);
  });
  const slots: { offset: number; ptr: number }[] = [];
  const binary = writeModule(
    {
      types: [...TYPES, ...helpers.map(typeOfHelper)],
      imports: [],
      globals: ['unit'],
      memoryPages,
      functions: [
        ...units.map(({ body }) => ({ type: 0, body })),
        ...helpers.map((name, i) => ({ type: TYPES.length + i, body: bodyOfHelper(name) })),
      ],
      elements: [{ slot: 0, func: 0 }],
    },
    (offset) => slots.push({ offset, ptr }),
    (offset, func) => {
      for (const slot of units[func]?.slots ?? [])
        slots.push({ offset: offset + slot.offset, ptr: slot.ptr });
    },
  );
  const ranges = graphs.flatMap((graph) => graph.ranges);
  // Of a thunk no byte was read: its page may have yet to come.
  allPresent(ranges, knowledge);
  const code = new Uint8Array(lengthOf(ranges));
  copyRanges(ranges, bytes, code);
  return {
    ptr,
    mode,
    instrumentation: instrumentationKey(instrumentation),
    copies: graphs.slice(1).map((graph) => graph.blocks[0].ptr),
    ranges,
    code,
    asked: [...knowledge.asked],
    jumped: [...knowledge.jumped],
    called: [...knowledge.called],
    sites,
    binary,
    slots,
  };
}

function typeOfHelper(name: HelperName): FuncType {
  const { params, result } = helperOf(name);
  return { params, results: [result] };
}

function bodyOfHelper(name: HelperName): CodeWriter {
  const { locals, emit } = helperOf(name);
  const w = new CodeWriter(1024);
  const groups = (
    [
      [locals.i32, I32],
      [locals.i64, I64],
      [locals.v128, V128],
    ] as const
  ).filter(([count]) => count);
  w.u32(groups.length);
  for (const [count, type] of groups) {
    w.u32(count!);
    w.byte(type);
  }
  emit(w);
  w.byte(Op.end);
  return w;
}

function findCopies(
  knowledge: CodeKnowledge,
  graph: Graph,
  flow: FlowInfo,
  mayCopy: (ptr: number) => boolean,
): Graph[] {
  const loops = innermostLoops(flow);
  const copies = new Map<number, Graph>();
  graph.blocks.forEach(({ terminator }, i) => {
    if (loops[i] < 0 || terminator.kind !== 'sync' || terminator.insn.op !== 'call') return;
    const ptr = knowledge.toPtr(terminator.insn.target);
    if (ptr === undefined || ptr === graph.blocks[0].ptr || copies.has(ptr)) return;
    if (copies.size >= MAX_COPIES || knowledge.isHost(ptr) || !knowledge.isExecutable(ptr) || !mayCopy(ptr))
      return;
    const copy = buildGraph(knowledge, ptr);
    const insns = copy.blocks.reduce((sum, block) => sum + block.insns.length + 1, 0);
    if (insns <= MAX_COPY_INSNS) copies.set(ptr, copy);
  });
  return [...copies.values()];
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

/** Makes a module of a translation, with the slot numbers of a Cpu. */
export function moduleOf(translation: Translation, slots: Slots): WebAssembly.Module {
  const binary = translation.binary.slice();
  for (const { offset, ptr } of translation.slots) {
    const slot = slots.of(ptr);
    for (let i = 0; i < 4; i++) binary[offset + i] = ((slot >>> (7 * i)) & 0x7f) | 0x80;
    binary[offset + 4] = (slot >>> 28) & 7;
  }
  return new WebAssembly.Module(binary as BufferSource);
}

/** Whether code is executable, all of it; brings its pages in. */
function allPresent(ranges: readonly number[], knowledge: CodeKnowledge): boolean {
  for (let i = 0; i < ranges.length; i += 2)
    for (let ptr = ranges[i]; ptr < ranges[i + 1]; ptr += 4096 - (ptr & 4095))
      if (!knowledge.isPresent(ptr)) return false;
  return true;
}

/** Whether a translation was made from exactly what is in memory now. */
export function isCurrent(translation: Translation, knowledge: CodeKnowledge, bytes: Uint8Array): boolean {
  const { ranges, code, asked } = translation;
  let at = 0;
  if (!allPresent(ranges, knowledge)) return false;
  for (let i = 0; i < ranges.length; i += 2)
    for (let ptr = ranges[i]; ptr < ranges[i + 1]; ptr++) if (bytes[ptr] !== code[at++]) return false;
  for (const [ptr, answer] of asked) if (knowledge.answer(ptr) !== answer) return false;
  for (const [ptr, known] of translation.jumped) if (knowledge.functions.has(ptr) !== known) return false;
  return true;
}
