import type { Ptr } from '../../../cpu/layout.js';
import { type I2cModel, type I2cPart, SMBUS_BLOCK_MAX } from '../../../hardware/i2c/i2c-target.js';
import type { Surroundings } from '../../../hardware/surroundings.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { I2cAdapters } from '../../../linux/drivers/i2c/i2c-adapter.js';
import { I2cClients } from '../../../linux/drivers/i2c/i2c-client.js';
import {
  FIRST_ADDRESS,
  I2C_FUNC_I2C,
  I2C_FUNC_SMBUS_BLOCK_PROC_CALL,
  I2C_FUNC_SMBUS_EMUL,
  I2C_FUNC_SMBUS_READ_BLOCK_DATA,
  I2C_M_RD,
  I2C_M_RECV_LEN,
  LAST_ADDRESS,
} from '../../../linux/drivers/i2c/i2c-flags.js';
import { ENXIO, EPROTO } from '../../../linux/errno.js';
import { isErr, ptrErr } from '../../../linux/errors.js';
import { IrqHandling } from '../../../linux/irq/handle.js';
import { Interrupts } from '../../../linux/irq/manage.js';
import { symbolize } from '../../../linux/kallsyms/symbolize.js';
import type { LinuxKernel } from '../../../linux/kernel.js';
import { moduleFunction } from '../../../linux/traps/call-trace.js';

/** Where a chip is. */
export interface I2cPlace {
  /** Number of the bus: that of its adapter. */
  readonly bus?: number;
  /** Address of 7 bits. */
  readonly address?: number;
}

/** Lines that the pins of chips are wired to, in turn. */
const LINES = [5, 7] as const;

const FUNCTIONS =
  I2C_FUNC_I2C | I2C_FUNC_SMBUS_EMUL | I2C_FUNC_SMBUS_READ_BLOCK_DATA | I2C_FUNC_SMBUS_BLOCK_PROC_CALL;

interface Connected {
  readonly bus: number;
  readonly address: number;
  readonly part: I2cPart<unknown>;
}

/** Who accesses a chip: the driver's function, however many of the kernel's are between. */
function callerOf(k: LinuxKernel): string {
  const task = k.executor.current;
  return (task && moduleFunction(k, task)) ?? symbolize(k, k.space.fromAddress(k.cpu.rip));
}

/** The I2C buses of a Linux machine: adapters of the base kernel, and the chips that are on them. */
export class I2cHardware {
  /** Adapters by number. */
  private readonly adapters = new Map<number, Ptr>();
  private readonly connected = new Set<Connected>();
  /** Clients of chips that were connected once, by device. */
  private readonly clients = new Map<unknown, Ptr>();

  constructor(
    private readonly k: LinuxKernel,
    private readonly surroundings: (caller: (k: LinuxKernel) => string) => Surroundings,
  ) {}

  /** Throws RangeError for a place that a chip cannot have. */
  *plug<D>(model: I2cModel<D>, { bus = 0, address = model.address }: I2cPlace): Sleepable<D> {
    const { k } = this;
    if (address === undefined || address < FIRST_ADDRESS || address > LAST_ADDRESS)
      throw new RangeError(`${model.name} needs an address between 0x08 and 0x77`);
    if (this.at(bus, address))
      throw new RangeError(`there is a chip at 0x${address.toString(16)} of bus ${bus}`);
    const line = LINES[this.clients.size % LINES.length];
    const part = model.create(this.surroundings(callerOf), {
      alert: (active) => {
        if (active) k.get(IrqHandling).raise(line);
      },
    });
    if (model.alert) k.get(Interrupts).connect(line);
    const adapter = yield* this.adapter(bus);
    this.connected.add({ bus, address, part });
    part.powerOn();
    const { device } = part;
    const known = k.get(I2cClients).at(adapter, address);
    const board = { type: model.type, addr: address, ...(model.alert && { irq: line }) };
    const client = known ?? (yield* k.get(I2cClients).createFor(adapter, board));
    if (isErr(client))
      throw new RangeError(`${model.name}: no client at 0x${address.toString(16)}: ${ptrErr(client)}`);
    this.clients.set(device, client);
    return device;
  }

  /** False: it is on no I2C bus. */
  unplug(device: unknown): boolean {
    const found = [...this.connected].find(({ part }) => part.device === device);
    if (!found) return false;
    this.connected.delete(found);
    found.part.powerOff();
    return true;
  }

  /** The client of a chip that is, or was, on a bus. */
  clientOf(device: unknown): Ptr | undefined {
    return this.clients.get(device);
  }

  private at(bus: number, address: number): I2cPart<unknown> | undefined {
    for (const chip of this.connected) if (chip.bus === bus && chip.address === address) return chip.part;
    return undefined;
  }

  /** The adapter of a number, made where there is none yet. */
  private *adapter(bus: number): Sleepable<Ptr> {
    const { k } = this;
    const known = this.adapters.get(bus);
    if (known !== undefined) return known;
    const type = k.struct('i2c_adapter');
    const adapter = k.permanent(type.size);
    const algorithm = k.permanent(k.struct('i2c_algorithm').size);
    k.struct('i2c_algorithm').bind(
      algorithm,
      'master_xfer',
      `simulated_i2c_xfer_${bus}`,
      (_adapter: Ptr, messages: Ptr, count: number) => this.transfer(bus, messages, count),
    );
    k.struct('i2c_algorithm').bind(algorithm, 'functionality', 'simulated_i2c_func', () => FUNCTIONS);
    type.set(adapter, 'algo', algorithm);
    type.set(adapter, 'nr', bus);
    type.setText(adapter, 'name', 'Simulated I2C adapter');
    const error = yield* k.get(I2cAdapters).addNumbered(adapter);
    if (error !== 0) throw new RangeError(`i2c-${bus} is somebody else's`);
    this.adapters.set(bus, adapter);
    return adapter;
  }

  /** Messages, each to one chip: their number, or -ENXIO where nobody acknowledges an address. */
  private transfer(bus: number, messages: Ptr, count: number): number {
    const type = this.k.struct('i2c_msg');
    for (let i = 0; i < count; i++) {
      const message = messages + i * type.size;
      const chip = this.at(bus, type.get(message, 'addr'));
      const error = chip === undefined ? -ENXIO : this.message(chip, message);
      if (error !== 0) return error;
    }
    return count;
  }

  private message(chip: I2cPart<unknown>, message: Ptr): number {
    const { space } = this.k;
    const type = this.k.struct('i2c_msg');
    const [flags, length, buffer] = ['flags', 'len', 'buf'].map((member) => type.get(message, member));
    if ((flags & I2C_M_RD) === 0)
      return chip.write(space.readable(buffer, length).slice()) === 'ack' ? 0 : -ENXIO;
    const counted = (flags & I2C_M_RECV_LEN) !== 0;
    const answer = counted ? chip.readBlock(length - 1) : chip.read(length);
    if (answer === 'nak') return -ENXIO;
    if (counted && (answer[0] === 0 || answer[0] > SMBUS_BLOCK_MAX)) return -EPROTO;
    const taken = counted ? answer : answer.subarray(0, length);
    space.writable(buffer, taken.length).set(taken);
    if (counted) type.set(message, 'len', taken.length);
    return 0;
  }
}
