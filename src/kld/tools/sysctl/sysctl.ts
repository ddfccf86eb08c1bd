import { rawText } from '../../../files/raw-text.js';
import { ENOENT, ENOMEM, ENOTDIR, EOPNOTSUPP } from '../../../freebsd/errno.js';
import type { KldHost, KldTool, Steps } from '../../host.js';
import type { SysctlNode } from '../../kernel.js';
import { Program, untilExit } from '../../program.js';
import { settingsOf } from './conf-file.js';
import {
  CTLFLAG_TUN,
  CTLFLAG_WR,
  CTLTYPE,
  CTLTYPE_NODE,
  CTLTYPE_STRING,
  numberType,
  typeName,
} from './kinds.js';
import { parseNumber } from './numbers.js';
import { NodeShower } from './show.js';

const USAGE =
  'usage: sysctl [-bdehiNnoqTtWx] [ -B <bufsize> ] [-f filename] name[=value] ...\n' +
  '       sysctl [-bdehNnoqTtWx] [ -B <bufsize> ] -a\n';
/** Longest setting, its NUL included. */
const BUFSIZ = 1024;
/** sysexits(3). */
const EX_NOINPUT = 66;
/** Options of FreeBSD 14 of which no source says what they write. */
const UNKNOWN_HERE = 'Flj';

/** sysctl(8): shows and sets what the kernel has. */
export const sysctl: KldTool = (host, args) => untilExit(run(host, args));

function* run<Wait>(host: KldHost<Wait>, args: readonly string[]): Steps<Wait, number> {
  const program = new Program('sysctl', host, USAGE);
  const given = new Set<string>();
  const values = new Map<string, string>();
  const names = program.options(args, 'AabB:deFf:hiJj:lNnoqtTVwWxX', (option, argument) => {
    if (UNKNOWN_HERE.includes(option)) program.errx(1, `modbox: -${option} is not implemented`);
    values.set(option, argument);
    given.add(option);
    if (option === 'A') given.add('a').add('o');
    if (option === 'X') given.add('a').add('x');
  });
  const conf = values.get('f');
  const size = Number.parseInt(values.get('B') ?? '', 10) || 0;
  if (given.has('N') && given.has('n')) program.usage();
  const shower = new NodeShower(host, program, { given, size });
  if (given.has('a') && names.length === 0) {
    yield* shower.all([]);
    return 0;
  }
  if (names.length === 0 && conf === undefined) program.usage();
  const setter = new Setter(host, program, given, shower);
  let problems = 0;
  if (conf !== undefined) problems += yield* fromFile(host, program, setter, conf);
  for (const name of names) problems += yield* setter.apply(name, '');
  return problems & 0xff;
}

function* fromFile<Wait>(
  host: KldHost<Wait>,
  program: Program,
  setter: Setter<Wait>,
  path: string,
): Steps<Wait, number> {
  const bytes = host.files.read(host.absolute(path));
  if (!bytes) return program.fail(EX_NOINPUT, path, ENOENT);
  let problems = 0;
  for (const { text, line } of settingsOf(rawText(bytes)))
    problems += yield* setter.apply(text, ` at line ${line}`);
  return problems;
}

class Setter<Wait> {
  constructor(
    private readonly host: KldHost<Wait>,
    private readonly program: Program,
    private readonly given: ReadonlySet<string>,
    private readonly shower: NodeShower<Wait>,
  ) {}

  /** Shows or sets `name` or `name=value`; `where` ends messages. 1 where something was wrong, and was told. */
  *apply(setting: string, where: string): Steps<Wait, number> {
    if (new TextEncoder().encode(setting).length >= BUFSIZ)
      return this.wrong(`oid too long: '${setting}'${where}`);
    const split = /[=:]/.exec(setting)?.index ?? -1;
    const value = split < 0 ? undefined : unquoted(setting.slice(split + 1).trimStart());
    if (value !== undefined && (this.given.has('T') || this.given.has('W'))) {
      this.program.warnx("Can't set variables when using -T or -W");
      this.program.usage();
    }
    const name = (split < 0 ? setting : setting.slice(0, split)).trimEnd();
    const found = this.host.kernel.sysctl.find(name);
    if ('errno' in found) return this.unknown(name, where, found.errno);
    const node = found.value;
    if (value !== undefined && !this.given.has('d'))
      return yield* this.set(node, name, value, { setting, where });
    if ((node.kind & CTLTYPE) !== CTLTYPE_NODE) {
      yield* this.shower.line(node);
      return 0;
    }
    if (this.given.has('d')) yield* this.shower.line(node);
    yield* this.shower.all(node.oid);
    return 0;
  }

  private wrong(text: string): number {
    this.program.warnx(text);
    return 1;
  }

  private unknown(name: string, where: string, errno: number): number {
    if (this.given.has('i')) return 0;
    if (this.given.has('q')) return 1;
    if (errno === ENOENT) return this.wrong(`unknown oid '${name}'${where}`);
    this.program.warn(`unknown oid '${name}'${where}`, errno);
    return 1;
  }

  private *set(
    node: SysctlNode,
    name: string,
    value: string,
    { setting, where }: { readonly setting: string; readonly where: string },
  ): Steps<Wait, number> {
    const bytes = this.bytesOf(node, name, value, where);
    if (bytes === undefined) return 1;
    const shown = yield* this.shower.show(node);
    const result = yield* this.host.kernel.sysctl.write(node.oid, bytes);
    if ('errno' in result) {
      if (shown && !this.given.has('b')) this.program.out('\n');
      return this.notSet(setting, where, result.errno);
    }
    if (!this.given.has('b')) this.program.out(' -> ');
    const after = yield* this.shower.show(node, true);
    if (after && !this.given.has('b')) this.program.out('\n');
    return 0;
  }

  private notSet(setting: string, where: string, errno: number): number {
    const reasons: Readonly<Record<number, string>> = {
      [EOPNOTSUPP]: 'value is not available',
      [ENOTDIR]: 'specification is incomplete',
      [ENOMEM]: 'type is unknown to this program',
    };
    const reason = reasons[errno];
    if (reason !== undefined) return this.wrong(`${setting}: ${reason}${where}`);
    this.program.warn(`${setting}${where}`, errno);
    return 1;
  }

  /** What is written to a node; undefined where that cannot be, which was told. */
  private bytesOf(
    { kind, format }: SysctlNode,
    name: string,
    value: string,
    where: string,
  ): Uint8Array | undefined {
    const problem = (text: string): undefined => {
      this.program.warnx(text);
      return undefined;
    };
    if ((kind & CTLTYPE) === CTLTYPE_NODE) return problem(`oid '${name}' isn't a leaf node${where}`);
    if ((kind & CTLFLAG_WR) === 0) {
      if ((kind & CTLFLAG_TUN) === 0) return problem(`oid '${name}' is read only${where}`);
      problem(`oid '${name}' is a read only tunable${where}`);
      return problem('Tunable values are set in /boot/loader.conf');
    }
    if ((kind & CTLTYPE) === CTLTYPE_STRING) return new TextEncoder().encode(value);
    if (!numberType(kind)) return problem(`oid '${name}' is type ${kind & CTLTYPE}, cannot set that${where}`);
    if (value === '') return problem('empty numeric value');
    const numbers: number[] = [];
    for (const word of value.split(/[ ,]/).filter((text) => text !== '')) {
      const bytes = parseNumber(word, kind, format);
      if (!bytes) return problem(`invalid ${typeName(kind)} '${word}'${where}`);
      numbers.push(...bytes);
    }
    return Uint8Array.from(numbers);
  }
}

/** Without a pair of quotes around it; of one at the beginning alone, without that. */
function unquoted(value: string): string {
  const quote = value[0];
  if (quote !== '"' && quote !== "'") return value;
  return value.slice(1, value.length > 1 && value.endsWith(quote) ? -1 : undefined);
}
