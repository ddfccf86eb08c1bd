import type { KldHost, KldTool } from '../host.js';
import { humanize } from '../humanize.js';
import type { KldFileStat, ModuleStat } from '../kernel.js';
import { atOnce, Program, untilExit } from '../program.js';

const USAGE = 'usage: kldstat [-dhqv] [-i id] [-n filename]\n       kldstat [-dq] [-m modname]\n';
/** `0x` and the digits of a pointer. */
const POINTER_WIDTH = 18;

/** kldstat(8): shows what is loaded. */
export const kldstat: KldTool = (host, args) => untilExit(atOnce(() => new Kldstat(host).run(args)));

class Kldstat<Wait> {
  private readonly program: Program;
  private readonly given = new Map<string, string>();

  constructor(private readonly host: KldHost<Wait>) {
    this.program = new Program('kldstat', host, USAGE);
  }

  run(args: readonly string[]): number {
    const { program, given } = this;
    const operands = program.options(args, 'dhi:m:n:qv', (option, argument) => {
      if (option === 'i' && !/^\s*[-+]?\d*$/.test(argument)) program.usage();
      given.set(option, argument);
    });
    if (operands.length > 0) program.usage();
    const module = given.get('m');
    if (module !== undefined) return this.module(module);
    const file = given.get('n');
    if (file === undefined) return this.files(Number(given.get('i') ?? 0) | 0);
    const found = this.host.kernel.find(file);
    if (!('errno' in found)) return given.has('q') ? 0 : this.files(found.value);
    if (!given.has('q')) program.warn(`can't find file ${file}`, found.errno);
    return 1;
  }

  private module(name: string): number {
    const { program, given } = this;
    const { kernel } = this.host;
    const found = kernel.findModule(name);
    if ('errno' in found) {
      if (!given.has('q')) program.warn(`can't find module ${name}`, found.errno);
      return 1;
    }
    if (given.has('q')) return 0;
    const stat = kernel.moduleStat(found.value);
    if ('errno' in stat) {
      program.warn(`can't stat module id ${found.value}`, stat.errno);
      return 0;
    }
    const { id, refs } = stat.value;
    program.out(`Id  Refs Name${given.has('d') ? ' data..(int, uint, ulong)' : ''}\n`);
    program.out(`${pad(id, 3)} ${pad(refs, 4)} ${this.named(stat.value)}\n`);
    return 0;
  }

  /** One file, or all where `only` is 0. */
  private files(only: number): number {
    const sizeWidth = this.given.has('h') ? 5 : 8;
    this.program.out(`Id Refs Address${' '.repeat(POINTER_WIDTH - 7)} ${'Size'.padStart(sizeWidth)} Name\n`);
    if (only !== 0) {
      this.file(only);
      return 0;
    }
    const { kernel } = this.host;
    for (let id = idOf(kernel.next(0)); id > 0; id = idOf(kernel.next(id))) this.file(id);
    return 0;
  }

  private file(id: number): void {
    const { given } = this;
    const program: Program = this.program;
    const { kernel } = this.host;
    const stat = kernel.stat(id);
    if ('errno' in stat) program.fail(1, `can't stat file id ${id}`, stat.errno);
    program.out(fileLine(stat.value, given.has('h')));
    if (!given.has('v')) {
      program.out('\n');
      return;
    }
    program.out(` (${stat.value.pathname})\n\tContains modules:\n\t\t Id Name\n`);
    for (let module = idOf(kernel.firstModule(id)); module > 0; module = idOf(kernel.nextModule(module)))
      this.fileModule(module);
  }

  private fileModule(id: number): void {
    const stat = this.host.kernel.moduleStat(id);
    if ('errno' in stat) this.program.warn(`can't stat module id ${id}`, stat.errno);
    else this.program.out(`\t\t${pad(stat.value.id, 3)} ${this.named(stat.value)}\n`);
  }

  private named({ name, data }: ModuleStat): string {
    if (!this.given.has('d')) return name;
    const int = BigInt.asIntN(32, data);
    return `${name} (${int}, ${BigInt.asUintN(32, data)}, 0x${BigInt.asUintN(64, data).toString(16)})`;
  }
}

function fileLine({ id, refs, address, size, name }: KldFileStat, human: boolean): string {
  const where = `0x${BigInt.asUintN(64, address).toString(16)}`.padStart(POINTER_WIDTH);
  const bytes = human ? humanize(size, 5).padStart(5) : size.toString(16).padStart(8);
  return `${pad(id, 2)} ${pad(refs, 4)} ${where} ${bytes} ${name}`;
}

function pad(value: number, width: number): string {
  return String(value).padStart(width);
}

function idOf(result: { readonly value: number } | { readonly errno: number }): number {
  return 'errno' in result ? -1 : result.value;
}
