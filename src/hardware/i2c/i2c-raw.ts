import { type Behaviour, type Device, DeviceCore } from '../device-core.js';
import { InterruptLine } from '../interrupt-line.js';
import type { Surroundings } from '../surroundings.js';
import {
  type Acknowledge,
  type AlertPin,
  type I2cModel,
  type I2cPart,
  type I2cPins,
  SMBUS_BLOCK_MAX,
} from './i2c-target.js';

/** What the log calls a byte of a message. */
const BYTE = 'byte';

type NoRegisters = Record<never, never>;

/** A chip with a protocol of its own. */
export interface I2cRawSpec<S, A extends string>
  extends Omit<Behaviour<NoRegisters, S, A, I2cRawChip<S, NoInfer<A>>>, 'registers' | 'reads' | 'writes'> {
  readonly type?: string;
  readonly address?: number;
  readonly alert?: 'low' | 'high';
  /** The bytes of a message to it; none where its address alone was called. */
  readonly write: (device: I2cRawChip<S, NoInfer<A>>, bytes: Uint8Array) => Acknowledge;
  readonly read: (device: I2cRawChip<S, NoInfer<A>>, bytes: number) => Uint8Array | 'nak';
}

export interface I2cRawChip<S, A extends string> extends Device<NoRegisters, S, A>, AlertPin {}

/** A model of a chip by the bytes of its messages. */
export function i2cRaw<S = undefined, A extends string = never>(
  spec: I2cRawSpec<S, A>,
): I2cModel<I2cRawChip<S, A>> {
  return {
    bus: 'i2c',
    name: spec.name,
    type: spec.type ?? spec.name,
    alert: spec.alert,
    address: spec.address,
    create: (surroundings, pins) => new RawChip(spec, surroundings, pins),
  };
}

class RawChip<S, A extends string>
  extends DeviceCore<NoRegisters, S, A, I2cRawChip<S, A>>
  implements I2cRawChip<S, A>, I2cPart<I2cRawChip<S, A>>
{
  readonly alert: InterruptLine;

  constructor(
    private readonly spec: I2cRawSpec<S, A>,
    surroundings: Surroundings,
    pins: I2cPins,
  ) {
    super({ ...spec, registers: {}, reads: {}, writes: {} }, surroundings);
    this.alert = new InterruptLine((active) => pins.alert(active));
  }

  protected override get self(): I2cRawChip<S, A> {
    return this;
  }

  get device(): I2cRawChip<S, A> {
    return this;
  }

  write(bytes: Uint8Array): Acknowledge {
    const answer = this.spec.write(this, bytes);
    for (const byte of bytes) this.record(BYTE, 'write', byte);
    return answer;
  }

  read(bytes: number): Uint8Array | 'nak' {
    const answer = this.spec.read(this, bytes);
    if (answer === 'nak') return answer;
    for (const byte of answer) this.record(BYTE, 'read', byte);
    return answer;
  }

  readBlock(more: number): Uint8Array | 'nak' {
    const answer = this.spec.read(this, 1 + SMBUS_BLOCK_MAX + more);
    return answer === 'nak' ? answer : answer.subarray(0, 1 + Math.min(answer[0], SMBUS_BLOCK_MAX) + more);
  }
}
