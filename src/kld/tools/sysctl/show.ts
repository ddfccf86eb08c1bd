import type { KldHost, Steps } from '../../host.js';
import type { SysctlNode } from '../../kernel.js';
import type { Program } from '../../program.js';
import {
  CTLFLAG_PRISON,
  CTLFLAG_STATS,
  CTLFLAG_TUN,
  CTLFLAG_VNET,
  CTLFLAG_WR,
  CTLTYPE,
  CTLTYPE_OPAQUE,
  CTLTYPE_STRING,
  numberType,
  typeName,
} from './kinds.js';
import { decodeNumbers, hexNumber, temperatureDigits } from './numbers.js';
import { knowsStruct, showStruct } from './structs.js';

/** Letters of the options that are given, and -B's number. */
export interface ShowOptions {
  readonly given: ReadonlySet<string>;
  readonly size: number;
}

/** How many bytes -o shows. */
const DUMPED = 16;

/** Shows nodes as sysctl(8) does. */
export class NodeShower<Wait> {
  constructor(
    private readonly host: KldHost<Wait>,
    private readonly program: Program,
    private readonly options: ShowOptions,
  ) {}

  /** A node and a newline behind it, if there is anything to show. */
  *line(node: SysctlNode): Steps<Wait, void> {
    const shown = yield* this.show(node);
    if (shown && !this.has('b')) this.program.out('\n');
  }

  /** All leaves below a node; of the whole tree where it is []. */
  *all(oid: readonly number[]): Steps<Wait, void> {
    const { sysctl } = this.host.kernel;
    for (let node = sysctl.next(oid); node; node = sysctl.next(node.oid)) {
      const { oid: found } = node;
      if (!oid.every((number, i) => found[i] === number)) return;
      yield* this.line(node);
    }
  }

  /** False where nothing was shown. `bare`: without the name. */
  *show(node: SysctlNode, bare = this.has('n')): Steps<Wait, boolean> {
    const { kind, name, oid } = node;
    if (!this.wanted(kind)) return false;
    if (this.has('N')) {
      this.program.out(name);
      return true;
    }
    const before = bare ? '' : `${name}${this.separator}`;
    if (this.has('t') || this.has('d')) {
      this.program.out(before + this.about(node));
      return true;
    }
    const opaque = (kind & CTLTYPE) === CTLTYPE_OPAQUE;
    if (opaque && !knowsStruct(node.format) && !this.has('b') && !this.dumps()) return false;
    const result = yield* this.host.kernel.sysctl.read(oid, this.options.size || undefined);
    if ('errno' in result) return false;
    const { value } = result;
    if (value.length === 0 && (kind & CTLTYPE) !== CTLTYPE_STRING) return false;
    if (this.has('b')) {
      this.program.out(value);
      return true;
    }
    return this.value(node, value, before);
  }

  private has(option: string): boolean {
    return this.options.given.has(option);
  }

  private dumps(): boolean {
    return this.has('o') || this.has('x');
  }

  private get separator(): string {
    return this.has('e') ? '=' : ': ';
  }

  private wanted(kind: number): boolean {
    if (this.has('W') && ((kind & CTLFLAG_WR) === 0 || (kind & CTLFLAG_STATS) !== 0)) return false;
    if (this.has('T') && (kind & CTLFLAG_TUN) === 0) return false;
    if (this.has('V') && (kind & CTLFLAG_VNET) === 0) return false;
    return !this.has('J') || (kind & CTLFLAG_PRISON) !== 0;
  }

  private about({ kind, oid }: SysctlNode): string {
    const description = this.host.kernel.sysctl.description(oid) ?? '';
    if (!this.has('t')) return description;
    return this.has('d') ? `${typeName(kind)}${this.separator}${description}` : typeName(kind);
  }

  private value(node: SysctlNode, value: Uint8Array, before: string): boolean {
    const { kind, format } = node;
    const type = numberType(kind);
    if (type) {
      const numbers = decodeNumbers(value, type).map((number) => {
        if (this.has('x')) return hexNumber(number, type);
        return type.signed && format[1] === 'K' ? temperature(number, format) : String(number);
      });
      this.program.out(before + numbers.join(' '));
      return true;
    }
    if ((kind & CTLTYPE) === CTLTYPE_STRING) {
      const end = value.indexOf(0);
      this.program.out(before);
      this.program.out(end < 0 ? value : value.subarray(0, end));
      return true;
    }
    return this.struct(node, value, before);
  }

  private struct({ kind, format }: SysctlNode, value: Uint8Array, before: string): boolean {
    const shown = (kind & CTLTYPE) === CTLTYPE_OPAQUE ? showStruct(format, value) : undefined;
    if (shown && 'text' in shown) {
      this.program.out(before + shown.text);
      return true;
    }
    if (shown) {
      this.program.out(before);
      this.program.warnx(shown.problem);
      return false;
    }
    if (!this.dumps()) return false;
    this.program.out(`${before}Format:${format} Length:${value.length} Dump:0x${this.dump(value)}`);
    return true;
  }

  private dump(value: Uint8Array): string {
    const bytes = this.has('x') ? value : value.subarray(0, DUMPED);
    const digits = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
    // The program counts down, one further than there is, with a number that has no sign, and looks at that.
    const left = value.length - bytes.length - 1;
    return digits + (!this.has('x') && (left < 0 || left > DUMPED) ? '...' : '');
  }
}

/** A temperature in degrees Celsius; below zero kelvin it is shown as it is. */
function temperature(value: bigint, format: string): string {
  if (value < 0n) return String(value);
  const digits = temperatureDigits(format);
  const kelvin = Math.fround(Math.fround(Number(value)) / Math.fround(10 ** digits));
  return `${(kelvin - 273.15).toFixed(digits)}C`;
}
