import type { FileSource } from '../../src/files/file-source.js';
import { Modules } from '../../src/linux/kallsyms/modules.js';
import { MachineError } from '../../src/machine/errors.js';
import { Machine } from '../../src/machine/linux/machine.js';
import type { LinuxTarget } from '../../src/target/index.js';
import { comparedIn } from './constants-of.js';
import { type Attempt, type Contents, Learner, type Learnt } from './learning.js';
import { RegisterBank } from './register-bank.js';

/** What a module did with a bank of registers. */
export interface Binding {
  readonly module: string;
  readonly id: string;
  /**
   * `id`: it read registers, and is content with some contents and not with others. `none`: its probe succeeded and read nothing. `any`: it read registers, and
   * whatever was in them did. `no`: it was not bound.
   */
  readonly accepted: 'id' | 'none' | 'any' | 'no';
  /** Registers with the values that it wants. */
  readonly contents?: readonly (readonly [register: number, value: number])[];
  readonly attempts?: number;
  /** What it said, or what stopped it. */
  readonly why?: string;
}

const ADDRESS = 0x48;
const DEVICE = '0-0048';
const DRIVERS = '/sys/bus/i2c/drivers';
const MOST_ATTEMPTS = 3000;
const MOST_MS = 40_000;
const FILLERS = [0, 0xff] as const;

export interface Bench {
  readonly target: LinuxTarget;
  readonly files: FileSource;
}

/** A machine with a bank of registers, and one driver that is tried on it again and again. */
class Trial {
  private readonly bank = new RegisterBank();
  private readonly machine: Machine;
  private driver: string | undefined;

  constructor(
    { target, files }: Bench,
    private readonly module: string,
    readonly id: string,
    memory: WebAssembly.Memory | undefined,
    private readonly end: number,
  ) {
    this.machine = Machine.boot({
      target,
      files,
      interrupt: () => (Date.now() > this.end ? 'timeout' : undefined),
      ...(memory && { memory }),
    });
    this.machine.plug(this.bank.model(id), { address: ADDRESS });
  }

  release(): WebAssembly.Memory {
    return this.machine.release();
  }

  /** Loads the module: its first probe. */
  load(): Attempt {
    const { machine, bank } = this;
    bank.reset(FILLERS[0], new Map());
    const before = machine.kernel.cpu.executed;
    machine.modprobe(this.module);
    return this.attempt(before);
  }

  private attempt(before: number): Attempt {
    const { bank, machine } = this;
    this.driver ??= machine.driverOf(bank) ?? this.onlyDriver();
    return {
      bound: machine.driverOf(bank) !== undefined,
      reads: [...bank.reads],
      accesses: bank.accesses,
      executed: machine.kernel.cpu.executed - before,
    };
  }

  private onlyDriver(): string | undefined {
    const names = this.machine.exec(`ls ${DRIVERS}`).stdout.split('\n');
    return names.find((name) => name !== '' && name !== 'dummy');
  }

  /** Probes again, with other contents. */
  probe(filler: number, contents: Contents): Attempt {
    const { machine, bank } = this;
    if (machine.driverOf(bank)) this.write('unbind');
    bank.reset(filler, contents);
    const before = machine.kernel.cpu.executed;
    this.write('bind');
    return this.attempt(before);
  }

  private write(file: 'bind' | 'unbind'): void {
    const { fs } = this.machine;
    const fd = fs.open(`${DRIVERS}/${this.driver}/${file}`, 1);
    try {
      fs.write(fd, DEVICE);
    } catch (error) {
      // A probe that failed is what is asked about.
      if (!(error instanceof MachineError)) throw error;
    } finally {
      fs.close(fd);
    }
  }

  /** What the loaded modules compare with. */
  compared() {
    return comparedIn([...this.machine.kernel.get(Modules).list()].map(({ elf }) => elf));
  }

  get hasDriver(): boolean {
    return this.driver !== undefined;
  }

  get isBroken(): string | undefined {
    const fault = this.machine.faults()[0];
    return fault && `${fault.message} at ${fault.at}`;
  }

  lastWords(from = 0): string | undefined {
    return this.machine.dmesg(from).at(-1)?.text;
  }

  isOver(attempts: number): boolean {
    return attempts > MOST_ATTEMPTS || Date.now() > this.end || this.isBroken !== undefined;
  }
}

/** Tries a module's driver with a client of one of its ids. `memory`: of a machine that is no longer needed. */
export function tryModule(
  bench: Bench,
  module: string,
  id: string,
  memory?: WebAssembly.Memory,
): { readonly binding: Binding; readonly memory: WebAssembly.Memory | undefined } {
  const trial = new Trial(bench, module, id, memory, Date.now() + MOST_MS);
  let binding: Binding;
  try {
    binding = examine(trial, module);
  } catch (error) {
    if (!(error instanceof MachineError) && !(error instanceof RangeError)) throw error;
    binding = { module, id, accepted: 'no', why: trial.isBroken ?? error.message };
  }
  return { binding, memory: trial.release() };
}

function examine(trial: Trial, module: string): Binding {
  const { id } = trial;
  const first = trial.load();
  const words = trial.lastWords();
  const refused = (): Binding => {
    const why = trial.isBroken ?? words ?? '';
    return { module, id, accepted: 'no', ...(why !== '' && { why }) };
  };
  if (trial.isBroken !== undefined || !trial.hasDriver) return refused();
  if (first.bound && first.reads.length === 0) return { module, id, accepted: 'none', attempts: 1 };
  if (first.bound) {
    const other = trial.probe(FILLERS[1], new Map());
    return { module, id, accepted: other.bound ? 'any' : 'id', contents: [], attempts: 2 };
  }
  const learner = new Learner(
    (filler, contents) => trial.probe(filler, contents),
    trial.compared(),
    (attempts) => trial.isOver(attempts),
  );
  let learnt: Learnt | undefined;
  for (const filler of FILLERS) learnt ??= learner.search(filler);
  if (!learnt) return refused();
  return { module, id, accepted: 'id', contents: [...learnt.contents], attempts: learnt.attempts };
}
