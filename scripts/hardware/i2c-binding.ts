import type { FileSource } from '../../src/files/file-source.js';
import { Modules } from '../../src/linux/kallsyms/modules.js';
import { MachineError } from '../../src/machine/errors.js';
import { Machine } from '../../src/machine/linux/machine.js';
import type { LinuxTarget } from '../../src/target/index.js';
import { comparedIn } from './constants-of.js';
import { DetectionTrial } from './detection.js';
import { type Attempt, type Contents, Learner, type Learnt } from './learning.js';
import { RegisterBank } from './register-bank.js';

/** What a module did with a bank of registers. */
export interface Binding {
  readonly module: string;
  readonly id: string;
  /**
   * `id`: it read registers, and is content with some contents and not with others. `none`: its probe succeeded and read nothing. `any`: it read registers, and
   * whatever was in them did. `detected`: as that, but its own search for chips knew them by what they had in their registers. `no`: it was not bound.
   */
  readonly accepted: 'id' | 'detected' | 'none' | 'any' | 'no';
  /** Registers with the values that it wants. */
  readonly contents?: readonly (readonly [register: number, value: number])[];
  readonly attempts?: number;
  /** What it said, or what stopped it. */
  readonly why?: string;
}

const ADDRESS = 0x48;
const DEVICE = '0-0048';
const DRIVERS = '/sys/bus/i2c/drivers';
const MOST_ATTEMPTS = 4000;
const MOST_MS = 60_000;
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

  /** What the module compares with, and those that it uses itself. */
  compared() {
    const all = [...this.machine.kernel.get(Modules).list()];
    const own = all.filter(({ name }) => name === this.module);
    return comparedIn(own.concat(own.flatMap(({ uses }) => [...uses])).map(({ elf }) => elf));
  }

  /** The driver's own search for its chips. */
  detection(): DetectionTrial | undefined {
    return DetectionTrial.of(this.machine, this.bank, ADDRESS);
  }

  /** Whether its driver can be bound and unbound by its files. */
  get hasFiles(): boolean {
    return (
      this.driver !== undefined && this.machine.exec(`test -e ${DRIVERS}/${this.driver}/bind`).exit === 0
    );
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
  if (trial.isBroken !== undefined || !trial.hasFiles) return refused();
  if (first.bound && first.reads.length === 0) return { module, id, accepted: 'none', attempts: 1 };
  if (first.bound) {
    const other = trial.probe(FILLERS[1], new Map());
    if (!other.bound) return { module, id, accepted: 'id', contents: [], attempts: 2 };
    return detected(trial, module) ?? { module, id, accepted: 'any', attempts: 2 };
  }
  const learnt = learn(trial, (filler, contents) => trial.probe(filler, contents));
  if (!learnt) return refused();
  return { module, id, accepted: 'id', contents: [...learnt.contents], attempts: learnt.attempts };
}

function learn(trial: Trial, probe: (filler: number, contents: Contents) => Attempt): Learnt | undefined {
  const isOver = (attempts: number): boolean => trial.isOver(attempts);
  const compared = trial.compared();
  for (const filler of FILLERS) {
    const learnt = new Learner(probe, compared, isOver).search(filler);
    if (learnt) return learnt;
  }
  return undefined;
}

/** A driver that takes whatever it is told of may know its chips all the same: by its search for them. */
function detected(trial: Trial, module: string): Binding | undefined {
  const detection = trial.detection();
  if (!detection) return undefined;
  // Whatever is found with any contents was not known by them.
  const everything = FILLERS.every((filler) => detection.search(filler, new Map()).bound);
  const learnt = everything
    ? undefined
    : learn(trial, (filler, contents) => detection.search(filler, contents));
  if (!learnt) return undefined;
  const { contents, attempts } = learnt;
  return { module, id: trial.id, accepted: 'detected', contents: [...contents], attempts };
}
