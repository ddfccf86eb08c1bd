import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AddressSpace, PAGE_KERNEL, PAGE_KERNEL_ROX } from '../src/cpu/address-space.js';
import { Cpu } from '../src/cpu/cpu.js';
import { HOST_RETURN, RAX, RDI, RSI, RSP } from '../src/cpu/cpu-types.js';
import { CodeCache } from '../src/cpu/runtime/code-cache.js';
import { MEMORY_MAP } from '../src/linux/memory-map.js';
import { CORPUS_RELEASE, corpusTree } from '../src/testing/corpus.js';
import { type Image, loadImage } from './image.js';
import { DATA_SIZE, initialData, type Workload } from './workloads.js';

const WARM_UP_MS = Number(process.env['WARM_UP_MS'] ?? 1500);
/** Calls after which results are compared. */
const CHECK_CALLS = 3;

export interface Measurement {
  /** Best time of one call in nanoseconds. */
  readonly ns: number;
  /** RAX and the data after a few calls. */
  readonly result: bigint;
  readonly data: Uint8Array;
  /** Milliseconds until the first call was done, for modbox. */
  readonly coldMs?: number;
}

function argument(arg: number | string, data: bigint): bigint {
  return typeof arg === 'string' ? data + BigInt(arg.slice(1)) : BigInt(arg);
}

/** The data that a workload begins with, where `at` is its address. */
function dataFor(w: Workload, at: bigint): Uint8Array {
  const data = initialData();
  const view = new DataView(data.buffer);
  w.pointers?.to.forEach((to, i) => {
    view.setBigUint64(w.pointers!.at + i * 8, argument(to, at), true);
  });
  return data;
}

/** Data without its table of pointers, which lies elsewhere in each engine. */
function comparable(w: Workload, data: Uint8Array): Uint8Array {
  if (w.pointers) data.fill(0, w.pointers.at, w.pointers.at + w.pointers.to.length * 8);
  return data;
}

const driverOf = (image: Image, w: Workload): bigint =>
  image.symbols.get(`${w.indirect ? 'indirect' : 'direct'}:${w.function}`)!;

/** Debian's modules: out of the user's cache, else unpacked or fetched into it. */
async function moduleFolder(): Promise<string> {
  const tree = await corpusTree();
  if (tree === undefined)
    throw new Error(
      `bench: linux-image-${CORPUS_RELEASE} is neither in the cache nor to be fetched with apt-get`,
    );
  return join(tree, 'lib/modules', CORPUS_RELEASE, 'kernel');
}

const MODULES = await moduleFolder();

const load = (w: Workload, base: bigint): Image => loadImage(join(MODULES, w.module), base, [w.function]);

let harness: string | undefined;

function compileHarness(): string {
  if (!harness) {
    harness = join(mkdtempSync(join(tmpdir(), 'modbox-bench-')), 'native');
    const source = fileURLToPath(new URL('./native.c', import.meta.url));
    execFileSync('gcc', ['-O1', '-static', '-o', harness, source], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  }
  return harness;
}

/** Runs natively, or under an emulator given as a command. */
export function runNative(w: Workload, rounds: number, emulator?: string): Measurement {
  const dataAt = 0x5000_0000n;
  const image = load(w, 0x4000_0000n);
  const header = new BigUint64Array(14);
  header.set([image.base, BigInt(image.bytes.length), dataAt, BigInt(DATA_SIZE), driverOf(image, w)]);
  w.args.forEach((arg, i) => {
    header[5 + i] = argument(arg, dataAt);
  });
  header.set([BigInt(CHECK_CALLS), BigInt(w.calls), BigInt(rounds)], 11);
  const input = Buffer.concat([Buffer.from(header.buffer), image.bytes, dataFor(w, dataAt)]);
  const [command, ...args] = emulator ? [emulator, compileHarness()] : [compileHarness()];
  const run = spawnSync(command, args, { input, maxBuffer: 1 << 26 });
  if (run.status !== 0 || run.stdout.length !== DATA_SIZE + 16)
    throw new Error(`${w.name}: native run failed (${run.status} ${run.signal})`);
  return {
    ns: Number(run.stdout.readBigUInt64LE(DATA_SIZE + 8)) / w.calls,
    result: run.stdout.readBigUInt64LE(0),
    data: comparable(w, new Uint8Array(run.stdout.subarray(8, 8 + DATA_SIZE))),
  };
}

const CODE = 0x4000_0000;
const DATA = 0x1000_0000;
const ARGS = 0x1200_0000;
const PERCPU = 0x1210_0000;
const STACK = 0x5000_1000;

/** Runs in modbox. */
export function runModbox(w: Workload, rounds: number): Measurement {
  const start = performance.now();
  const space = new AddressSpace(MEMORY_MAP);
  const cpu = new Cpu(space, { codeCache: new CodeCache() });
  const image = load(w, space.toAddress(CODE));
  space.map(CODE, image.textSize, PAGE_KERNEL_ROX);
  if (image.bytes.length > image.textSize)
    space.map(CODE + image.textSize, image.bytes.length - image.textSize, PAGE_KERNEL);
  space.patch(CODE, image.bytes);
  space.map(DATA, DATA_SIZE, PAGE_KERNEL);
  space.bytes.set(dataFor(w, space.toAddress(DATA)), DATA);
  space.map(ARGS, 4096, PAGE_KERNEL);
  space.map(PERCPU, 4096, PAGE_KERNEL);
  space.map(STACK, 16384, PAGE_KERNEL);
  cpu.gsBase = space.toAddress(PERCPU);
  space.store64(PERCPU + 40, 0x1122334455667788n);
  w.args.forEach((arg, i) => {
    space.store64(ARGS + i * 8, argument(arg, space.toAddress(DATA)));
  });
  const call = (count: number): void => {
    const top = STACK + 16384 - 72;
    space.store64(top, HOST_RETURN);
    cpu.setPtr(RSP, top);
    cpu.set(RDI, BigInt(count));
    cpu.setPtr(RSI, ARGS);
    cpu.rip = driverOf(image, w);
    cpu.fuel = 1e15;
    const exit = cpu.run();
    if (exit.kind !== 'returned')
      throw new Error(
        `${w.name}: ${JSON.stringify(exit, (_, v) => (typeof v === 'bigint' ? v.toString(16) : v))} at ${cpu.rip.toString(16)}`,
      );
  };
  call(CHECK_CALLS);
  const coldMs = performance.now() - start;
  const result = cpu.get(RAX);
  const data = comparable(w, space.bytes.slice(DATA, DATA + DATA_SIZE));
  // The engine compiles hot functions in the background: give it time.
  for (const end = performance.now() + WARM_UP_MS; performance.now() < end; ) call(w.calls);
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < rounds; i++) {
    const from = performance.now();
    call(w.calls);
    best = Math.min(best, performance.now() - from);
  }
  return { ns: (best * 1e6) / w.calls, result, data, coldMs };
}
