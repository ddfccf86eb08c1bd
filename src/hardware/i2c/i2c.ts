import { type Behaviour, type Device, DeviceCore } from '../device-core.js';
import { InterruptLine } from '../interrupt-line.js';
import { DEFAULT_WIDTH } from '../register-file.js';
import type { RegisterSpec, RegisterSpecs } from '../registers.js';
import type { Surroundings } from '../surroundings.js';
import {
  type Acknowledge,
  type AlertPin,
  type I2cModel,
  type I2cPart,
  type I2cPins,
  SMBUS_BLOCK_MAX,
} from './i2c-target.js';

/** A chip that is a set of registers, as its model has it. */
export interface I2cSpec<R extends RegisterSpecs, S, A extends string>
  extends Behaviour<R, S, A, I2cChip<R, S, NoInfer<A>>> {
  /** What drivers call it: the model's name by default. */
  readonly type?: string;
  /** The address that it has by default. */
  readonly address?: number;
  /** Byte order of registers wider than 8 bits on the wire: big by default. */
  readonly order?: 'big' | 'little';
  /**
   * What the pointer counts that each message to it begins with. `registers`: each has a number (`at`), and its bytes come one after the other, over and over (LM75).
   * `bytes`: it moves on with every byte, and a register is at the address of its first (auto-increment). Registers by default.
   */
  readonly pointer?: 'registers' | 'bytes';
  /** The level at which its interrupt or alert pin asks for attention, where it has one. */
  readonly alert?: 'low' | 'high';
}

export interface I2cChip<R, S, A extends string> extends Device<R, S, A>, AlertPin {}

/** A model of a chip with registers: data and hooks. */
export function i2c<const R extends RegisterSpecs, S = undefined, A extends string = never>(
  spec: I2cSpec<R, S, A>,
): I2cModel<I2cChip<R, S, A>> {
  return {
    bus: 'i2c',
    name: spec.name,
    type: spec.type ?? spec.name,
    alert: spec.alert,
    address: spec.address,
    create: (surroundings, pins) => new SimulatedChip(spec, surroundings, pins),
  };
}

/** Bytes that a register file gives each register where numbers say which is which. */
const SLOT = 8;

const bytesOf = ({ width = DEFAULT_WIDTH }: RegisterSpec): number => width / 8;

/** A register, and one of its bytes. */
interface Place {
  readonly spec: RegisterSpec;
  readonly byte: number;
}

class SimulatedChip<R extends RegisterSpecs, S, A extends string>
  extends DeviceCore<R, S, A, I2cChip<R, S, A>>
  implements I2cChip<R, S, A>, I2cPart<I2cChip<R, S, A>>
{
  readonly alert: InterruptLine;
  private readonly all: readonly RegisterSpec[];
  private readonly increments: boolean;
  private readonly big: boolean;
  private pointer = 0;

  constructor(spec: I2cSpec<R, S, A>, surroundings: Surroundings, pins: I2cPins) {
    const increments = spec.pointer === 'bytes';
    super(increments ? spec : { ...spec, registers: spread(spec.registers) }, surroundings);
    this.alert = new InterruptLine((active) => pins.alert(active));
    this.all = Object.values(spec.registers);
    this.increments = increments;
    this.big = spec.order !== 'little';
  }

  protected override get self(): I2cChip<R, S, A> {
    return this;
  }

  get device(): I2cChip<R, S, A> {
    return this;
  }

  write(bytes: Uint8Array): Acknowledge {
    if (bytes.length === 0) return 'ack';
    this.pointer = bytes[0];
    for (let at = 1; at < bytes.length; ) at += this.writeSome(bytes.subarray(at));
    return 'ack';
  }

  read(bytes: number): Uint8Array {
    const answer: number[] = [];
    while (answer.length < bytes) answer.push(...this.readSome(bytes - answer.length));
    return Uint8Array.from(answer);
  }

  readBlock(more: number): Uint8Array {
    const [length] = this.read(1);
    return Uint8Array.of(length, ...this.read(Math.min(length, SMBUS_BLOCK_MAX) + more));
  }

  /** The register at the pointer, and which of its bytes that is. */
  private find(): Place | undefined {
    const { pointer, increments } = this;
    const spec = this.all.find((candidate) =>
      increments
        ? pointer >= candidate.at && pointer < candidate.at + bytesOf(candidate)
        : pointer === candidate.at,
    );
    return spec && { spec, byte: increments ? pointer - spec.at : 0 };
  }

  /** A register where a message has all of it, else a byte. Gives how many bytes were used. */
  private writeSome(bytes: Uint8Array): number {
    const found = this.find();
    if (!found) return this.nothing('write', bytes[0]);
    const { offset, size } = this.place(found, bytes.length);
    const part = [...bytes.subarray(0, size)];
    const ordered = this.big ? part : part.reverse();
    const value = ordered.reduce((whole, byte) => (whole << 8n) | BigInt(byte), 0n);
    this.file.write(offset, size, value);
    this.advance(size);
    return size;
  }

  private readSome(wanted: number): number[] {
    const found = this.find();
    if (!found) return new Array<number>(this.nothing('read', 0)).fill(0);
    const { offset, size } = this.place(found, wanted);
    const value = this.file.read(offset, size);
    const bytes = Array.from({ length: size }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn));
    this.advance(size);
    return this.big ? bytes.reverse() : bytes;
  }

  /** A byte where the model has no register: reads give zero. */
  private nothing(kind: 'read' | 'write', value: number): number {
    this.note(`+0x${this.pointer.toString(16)}`, kind, BigInt(value), 8);
    this.advance(1);
    return 1;
  }

  /** Where in the register file an access is that has so many bytes. */
  private place({ spec, byte }: Place, bytes: number): { readonly offset: number; readonly size: number } {
    const whole = bytesOf(spec);
    const start = this.increments ? spec.at : spec.at * SLOT;
    if (byte === 0 && bytes >= whole) return { offset: start, size: whole };
    // The first bytes of a register whose rest was not asked for.
    const size = byte === 0 && !this.increments ? bytes : 1;
    return { offset: this.big ? start + whole - byte - size : start + byte, size };
  }

  private advance(bytes: number): void {
    if (this.increments) this.pointer = (this.pointer + bytes) & 0xff;
  }
}

/** Registers by number get room of their own: their bytes are not those of the next. */
function spread<R extends RegisterSpecs>(registers: R): R {
  const entries = Object.entries(registers).map(([name, spec]) => [name, { ...spec, at: spec.at * SLOT }]);
  return Object.fromEntries(entries) as R;
}
