import type { BusTarget } from '../../bus.js';
import type { BoardFunction, BoardSurroundings, PciBoard } from '../../pci/pci-board.js';
import type { ConfigAccess } from './config-registers.js';
import { MessageWords } from './message-words.js';
import { configAddress, openConfigMemory, WIRE_INPUTS } from './q35.js';
import { QemuFunction } from './qemu-function.js';
import { QemuProcess } from './qemu-process.js';
import { Qtest } from './qtest.js';
import { SharedMemory } from './shared-memory.js';

/** Memory of QEMU's machine: more than drivers can have mapped in modbox's, and a part behind it for messages. */
const QEMU_MEMORY = 0x8000_0000;
const MESSAGES = 0x7f00_0000;
const NO_DEVICE = 0xffff;
const PLACES = 32;
const FUNCTIONS = 8;
/** Real time between two looks at a QEMU that nobody accesses. */
const LOOK_MS = 0.25;
const NS = 1e6;
/** The longest that something is waited for at once. */
const MOST_WAIT_MS = 5000;

/**
 * QEMU's devices on a machine's PCI bus: a QEMU whose CPU is halted serves them. Its timers run in real time, so what happens differs from run to run.
 */
export class QemuBoard implements PciBoard {
  readonly bus = 'pci-board';
  readonly name: string;
  readonly lines = WIRE_INPUTS;
  private parts: Parts | undefined;
  private readonly sleeper = new Int32Array(new SharedArrayBuffer(4));
  private lastLook = 0;

  /** `args`: arguments of QEMU's command line that say which devices it has. */
  constructor(private readonly args: readonly string[]) {
    this.name = `qemu ${args.join(' ')}`;
  }

  /** Starts QEMU and gives what is on its bus. Throws QemuError, with its own words, where it does not start. */
  start(surroundings: BoardSurroundings): readonly BoardFunction[] {
    const process = QemuProcess.start(this.args, QEMU_MEMORY);
    const qtest = new Qtest(process, (line, level) => this.interrupted(line, level));
    const parts: Parts = {
      surroundings,
      process,
      qtest,
      memory: new SharedMemory(process.memory),
      words: new MessageWords(process.memory, MESSAGES),
      functions: [],
      happened: false,
    };
    this.parts = parts;
    qtest.interceptInputs('ioapic');
    openConfigMemory(qtest);
    parts.functions.push(...this.enumerate(qtest));
    return parts.functions;
  }

  poll(): void {
    const now = performance.now();
    if (now - this.lastLook >= LOOK_MS) this.look();
  }

  wait(nanoseconds: number): { readonly waited: number; readonly happened: boolean } {
    const start = performance.now();
    const end = start + Math.min(nanoseconds / NS, MOST_WAIT_MS);
    for (;;) {
      const happened = this.look();
      const now = performance.now();
      if (happened || now >= end) return { waited: (now - start) * NS, happened };
      Atomics.wait(this.sleeper, 0, 0, Math.min(LOOK_MS, end - now));
    }
  }

  stop(): void {
    this.parts?.process.stop();
    this.parts = undefined;
  }

  /** Hears of interrupts and messages; whether there were any. */
  private look(): boolean {
    const { parts } = this;
    if (!parts) return false;
    parts.happened = false;
    parts.qtest.poll();
    this.settle(parts);
    this.lastLook = performance.now();
    return parts.happened;
  }

  private interrupted(line: number, level: boolean): void {
    const { parts } = this;
    if (!parts) return;
    if (level) parts.happened = true;
    parts.surroundings.line(line, level);
  }

  /** Memory first: what a message tells of is there when it is served. */
  private settle(parts: Parts): void {
    this.sync(parts);
    if (!parts.words.look()) return;
    parts.happened = true;
    this.sync(parts);
  }

  private sync({ memory, surroundings, functions }: Parts): void {
    const bytes = surroundings.memory();
    const mapped = [...surroundings.mapped()];
    for (const { queues } of functions) if (queues) mapped.push(...queues.parts(bytes));
    memory.sync(bytes, mapped);
  }

  private *enumerate(qtest: Qtest): Generator<QemuFunction> {
    for (let slot = 0; slot < PLACES; slot++) {
      for (let number = 0; number < FUNCTIONS; number++) {
        const access = configOf(qtest, slot, number);
        if (access.read(0, 2) === NO_DEVICE) {
          if (number === 0) break;
          continue;
        }
        const found = new QemuFunction(slot, number, access, {
          memory: this.through({
            read: (at, size) => qtest.readMemory(at, size),
            write: (at, size, value) => qtest.writeMemory(at, size, value),
          }),
          ports: this.through({
            read: (at, size) => BigInt(qtest.readPort(at, size)),
            write: (at, size, value) => qtest.writePort(at, size, Number(value)),
          }),
          addWord: (deliver) => this.parts!.words.add(deliver),
          message: (message) => this.parts?.surroundings.message(message),
        });
        yield found;
        if (number === 0 && !found.isMultiFunction) break;
      }
    }
  }

  /** A bus, at whose accesses both sides' memory is the same. */
  private through(bus: BusTarget): BusTarget {
    const around = <T>(access: () => T, writes: boolean): T => {
      const { parts } = this;
      if (parts && writes) this.sync(parts);
      const result = access();
      if (parts) this.settle(parts);
      return result;
    };
    return {
      read: (at, size) => around(() => bus.read(at, size), false),
      write: (at, size, value) => around(() => bus.write(at, size, value), true),
    };
  }
}

/** What there is while it runs. */
interface Parts {
  readonly surroundings: BoardSurroundings;
  readonly process: QemuProcess;
  readonly qtest: Qtest;
  readonly memory: SharedMemory;
  readonly words: MessageWords;
  readonly functions: QemuFunction[];
  /** An interrupt has come since this was last cleared. */
  happened: boolean;
}

function configOf(qtest: Qtest, slot: number, number: number): ConfigAccess {
  const start = configAddress(slot, number);
  return {
    read: (where, bytes) => Number(qtest.readMemory(start + where, bytes)),
    write: (where, bytes, value) => qtest.writeMemory(start + where, bytes, BigInt(value >>> 0)),
  };
}
