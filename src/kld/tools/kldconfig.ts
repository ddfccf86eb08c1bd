import type { KldHost, KldTool, Steps } from '../host.js';
import { MODULE_PATH, readString, realPath } from '../module-path.js';
import { Program, untilExit } from '../program.js';

const USAGE = 'usage:\tkldconfig [-dfimnUv] [-S sysctlname] [path ...]\n\tkldconfig -r\n';

/** kldconfig(8): shows and changes the path that the kernel looks for modules in. */
export const kldconfig: KldTool = (host, args) => untilExit(run(host, args));

class Options {
  readonly given = new Set<string>();
  verbose = 0;
  sysctl = MODULE_PATH;

  constructor(private readonly program: Program) {}

  take(option: string, argument: string): void {
    const { given } = this;
    if (option === 'd' && (given.has('i') || given.has('m'))) this.program.usage();
    if ((option === 'i' || option === 'm') && given.has('d')) this.program.usage();
    if (option === 'v') this.verbose++;
    if (option === 'S') this.sysctl = argument;
    given.add(option);
  }
}

function* run<Wait>(host: KldHost<Wait>, args: readonly string[]): Steps<Wait, number> {
  const program: Program = new Program('kldconfig', host, USAGE);
  const options = new Options(program);
  const { given } = options;
  const paths = program.options(args, 'dfimnrS:Uv', (option, argument) => options.take(option, argument));
  if (args.length === 0) given.add('m');
  if (given.has('r') && paths.length > 0) program.usage();
  const { sysctl } = host.kernel;
  const node = sysctl.find(options.sysctl);
  if ('errno' in node) program.fail(1, `sysctlnametomib(${options.sysctl})`, node.errno);
  const { oid } = node.value;
  const old = yield* readString(sysctl, oid);
  if ('errno' in old) program.fail(1, `getting path: sysctl(${options.sysctl}) - size only`, old.errno);

  const path = new SearchPath(program, (typed) => realPath(host.files, host.absolute(typed)) ?? typed);
  if (given.has('U')) for (const part of old.value.split(';')) path.add(part, true, false);
  else if (given.has('d') || given.has('m') || given.has('r')) path.parts.push(...old.value.split(';'));
  else path.changed = old.value !== '';
  for (const typed of paths) {
    if (given.has('d')) path.remove(typed, given.has('f'));
    else path.add(typed, given.has('f'), given.has('i'));
  }
  if (path.changed && !given.has('n')) {
    const result = yield* sysctl.write(oid, new TextEncoder().encode(`${path.text}\0`));
    if ('errno' in result) program.fail(1, `setting path: sysctl(${options.sysctl})`, result.errno);
  }
  if (given.has('r') || (path.changed && options.verbose > 0)) {
    if (path.changed && options.verbose > 1) program.out(`${old.value} -> `);
    program.out(`${path.text}\n`);
  }
  return 0;
}

class SearchPath {
  readonly parts: string[] = [];
  changed = false;
  /** How many are before the others: what is inserted stays in its order. */
  private inserted = 0;

  constructor(
    private readonly program: Program,
    private readonly real: (typed: string) => string,
  ) {}

  get text(): string {
    return this.parts.join(';');
  }

  add(typed: string, force: boolean, insert: boolean): void {
    const part = this.clean(typed);
    if (this.parts.includes(part)) {
      if (force) return;
      this.program.errx(1, `already in the module search path: ${part}`);
    }
    if (insert) this.parts.splice(this.inserted++, 0, part);
    else this.parts.push(part);
    this.changed = true;
  }

  remove(typed: string, force: boolean): void {
    const part = this.clean(typed);
    const at = this.parts.indexOf(part);
    if (at < 0) {
      if (force) return;
      this.program.errx(1, `not in module search path: ${part}`);
    }
    this.parts.splice(at, 1);
    this.changed = true;
  }

  /** What is there as its real path, what is not as it was typed; without a slash at the end. */
  private clean(typed: string): string {
    return this.real(typed).replace(/\/$/, '');
  }
}
