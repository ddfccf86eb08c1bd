import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { EACCES, EINVAL } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import { parseBool, parseInteger } from '../../lib/string/kstrtox.js';
import type { Subsystem } from '../../subsystem.js';
import { HostServer } from '../host-server.js';
import type { FileServer, OpenFile } from '../open-file.js';
import { ProcSeqServer } from '../proc/servers.js';
import { SeqPrint } from '../seq/seq-print.js';
import { latin1 } from '../text-server.js';
import { DebugFs } from './debugfs.js';
import { DebugFile } from './node.js';

/** How a number in memory is shown and taken. */
interface NumberStyle {
  readonly bytes: 1 | 2 | 4 | 8;
  readonly signed?: boolean;
  readonly show: (value: bigint) => string;
}

const decimal = (value: bigint): string => `${value}\n`;
const hexadecimal =
  (digits: number) =>
  (value: bigint): string =>
    `0x${value.toString(16).padStart(digits, '0')}\n`;

const STYLES = {
  debugfs_create_u8: { bytes: 1, show: decimal },
  debugfs_create_u16: { bytes: 2, show: decimal },
  debugfs_create_u32: { bytes: 4, show: decimal },
  debugfs_create_u64: { bytes: 8, show: decimal },
  debugfs_create_ulong: { bytes: 8, show: decimal },
  debugfs_create_size_t: { bytes: 8, show: decimal },
  debugfs_create_x8: { bytes: 1, show: hexadecimal(2) },
  debugfs_create_x16: { bytes: 2, show: hexadecimal(4) },
  debugfs_create_x32: { bytes: 4, show: hexadecimal(8) },
  debugfs_create_x64: { bytes: 8, show: hexadecimal(16) },
  debugfs_create_atomic_t: { bytes: 4, signed: true, show: decimal },
} as const satisfies Readonly<Record<string, NumberStyle>>;

type ValueExports = Readonly<
  Record<keyof typeof STYLES, (name: Ptr, mode: number, parent: Ptr, value: Ptr) => void>
>;

/** Ready-made debugfs files for variables of a driver (fs/debugfs/file.c). */
export class DebugFsValues implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    ...(Object.fromEntries(
      Object.entries(STYLES).map(([symbol, style]) => [
        symbol,
        (name: Ptr, mode: number, parent: Ptr, value: Ptr) =>
          void this.add(name, mode, parent, value, () => new NumberServer(this.k, value, mode, style)),
      ]),
    ) as ValueExports),
    debugfs_create_bool: (name: Ptr, mode: number, parent: Ptr, value: Ptr) =>
      void this.add(name, mode, parent, value, () => new BoolServer(this.k, value, mode)),
    debugfs_create_str: (name: Ptr, mode: number, parent: Ptr, value: Ptr) =>
      void this.add(name, mode, parent, value, () => new StringServer(this.k, value, mode)),
    debugfs_create_blob: (name: Ptr, mode: number, parent: Ptr, blob: Ptr) =>
      this.add(name, mode & 0o644, parent, blob, () => new BlobServer(this.k, blob)),
    debugfs_create_u32_array: (name: Ptr, mode: number, parent: Ptr, array: Ptr) =>
      void this.add(name, mode, parent, array, () => new ArrayServer(this.k, array)),
    debugfs_create_regset32: (name: Ptr, mode: number, parent: Ptr, set: Ptr) =>
      void this.add(name, mode, parent, set, (open) => this.openRegisters(open, set)),
    debugfs_create_devm_seqfile: (device: Ptr, name: Ptr, parent: Ptr, show: Ptr) =>
      void this.add(name, 0o444, parent, 0, (open) => this.openSingle(open, show, device)),
    debugfs_print_regs32: (m: Ptr, registers: Ptr, count: number, base: Ptr, prefix: Ptr) =>
      this.printRegisters(m, registers, count, base, prefix === 0 ? '' : this.k.space.cstring(prefix)),
  };

  private add(
    name: Ptr,
    mode: number,
    parent: Ptr,
    data: Ptr,
    opener: (open: OpenFile) => FileServer | number,
  ): Ptr {
    const file = new DebugFile(mode & 0o7777, opener);
    return this.k.get(DebugFs).createFile(this.k.space.cstring(name), parent, file, data, 0);
  }

  private openSingle(open: OpenFile, show: Ptr, data: Ptr): FileServer | number {
    const server = new ProcSeqServer(this.k, 0);
    const error = server.openSingle(open, show, data);
    return error === 0 ? server : error;
  }

  private openRegisters(open: OpenFile, set: Ptr): FileServer | number {
    // single_open() makes the table that this goes into.
    const signature = this.k.struct('seq_operations').signature('show');
    const show = this.k.exports.hostFunction('debugfs_regset32_show', signature, (m: Ptr) => {
      const type = this.k.struct('debugfs_regset32');
      const from = this.k.struct('seq_file').get(m, 'private');
      const count = type.get(from, 'nregs');
      this.printRegisters(m, type.get(from, 'regs'), count, type.get(from, 'base'), '');
      return 0;
    });
    return this.openSingle(open, show, set);
  }

  private printRegisters(m: Ptr, registers: Ptr, count: number, base: Ptr, prefix: string): void {
    const type = this.k.struct('debugfs_reg32');
    for (let at = registers; at < registers + count * type.size; at += type.size) {
      const value = this.k.space.load32(base + type.get(at, 'offset'));
      const hex = value.toString(16).padStart(8, '0');
      if (!this.k.get(SeqPrint).write(m, `${prefix}${type.string(at, 'name')} = 0x${hex}\n`)) return;
    }
  }
}

/** Text made anew for each read from the start; what it is written decides the subclass. */
abstract class ValueServer extends HostServer {
  private content: Uint8Array = new Uint8Array();

  constructor(
    k: LinuxKernel,
    protected readonly value: Ptr,
    protected readonly mode: number,
  ) {
    super(k);
  }

  protected abstract show(): string;

  protected override bytes(_open: OpenFile, position: number, count: number): Uint8Array | number {
    if ((this.mode & 0o444) === 0) return -EACCES;
    if (position === 0) this.content = latin1(this.show());
    return this.content.subarray(position, position + count);
  }

  protected override take(_open: OpenFile, bytes: Uint8Array): number | Sleepable<number> {
    if ((this.mode & 0o222) === 0) return -EACCES;
    return this.store(String.fromCharCode(...bytes), bytes.length);
  }

  protected store(_text: string, _length: number): number {
    return -EINVAL;
  }
}

class NumberServer extends ValueServer {
  constructor(
    k: LinuxKernel,
    value: Ptr,
    mode: number,
    private readonly style: NumberStyle,
  ) {
    super(k, value, mode);
  }

  protected override show(): string {
    const bytes = this.k.space.readable(this.value, this.style.bytes);
    let value = 0n;
    for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i]);
    return this.style.show(this.style.signed ? BigInt.asIntN(this.style.bytes * 8, value) : value);
  }

  /** The number is parsed as 64 bits and cut to the variable's width. */
  protected override store(text: string, length: number): number {
    const parsed = parseInteger(text.slice(0, 23), 0, { signed: this.style.signed ?? false, bits: 64 });
    if ('error' in parsed) return parsed.error;
    const out = this.k.space.writable(this.value, this.style.bytes);
    for (let i = 0; i < out.length; i++) out[i] = Number((parsed.value >> BigInt(8 * i)) & 0xffn);
    return length;
  }
}

class BoolServer extends ValueServer {
  protected override show(): string {
    return this.k.space.load8(this.value) !== 0 ? 'Y\n' : 'N\n';
  }

  /** Text that is no boolean is taken and ignored. */
  protected override store(text: string, length: number): number {
    const value = parseBool(text);
    if (value !== undefined) this.k.space.store8(this.value, value ? 1 : 0);
    return length;
  }
}

class StringServer extends ValueServer {
  protected override show(): string {
    const text = this.k.space.loadPtr(this.value);
    return `${text === 0 ? '' : this.k.space.cstring(text)}\n`;
  }
}

class BlobServer extends HostServer {
  constructor(
    k: LinuxKernel,
    private readonly blob: Ptr,
  ) {
    super(k);
  }

  override canWrite(): boolean {
    return false;
  }

  protected override bytes(_open: OpenFile, position: number, count: number): Uint8Array | number {
    const type = this.k.struct('debugfs_blob_wrapper');
    const size = type.get(this.blob, 'size');
    const wanted = Math.max(0, Math.min(count, size - position));
    return this.k.space.readable(type.get(this.blob, 'data') + position, wanted);
  }

  protected override take(): number {
    return -EINVAL;
  }
}

class ArrayServer extends HostServer {
  private readonly content: Uint8Array;

  constructor(k: LinuxKernel, array: Ptr) {
    super(k);
    const type = k.struct('debugfs_u32_array');
    const first = type.get(array, 'array');
    const count = type.get(array, 'n_elements');
    const values = Array.from({ length: count }, (_, i) => k.space.load32(first + i * 4));
    this.content = latin1(`${values.join(' ')}\n`);
  }

  override canWrite(): boolean {
    return false;
  }

  protected override bytes(_open: OpenFile, position: number, count: number): Uint8Array | number {
    return this.content.subarray(position, position + count);
  }

  protected override take(): number {
    return -EINVAL;
  }
}
