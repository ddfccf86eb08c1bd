import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { withLocals } from '../../../kernel/task/locals.js';
import { ENOMEM, ENOTSUPP } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Order } from './format.js';
import type { RawTransport, Result, SingleTransport, Transport } from './transport.js';

/** A register in guest memory that a function fills: `read` gets where. */
export function* filled(k: LinuxKernel, read: (at: Ptr) => Sleepable<number>): Sleepable<Result> {
  return yield* withLocals(k, 8, function* (at): Sleepable<Result> {
    const error = yield* read(at);
    return error === 0 ? { value: k.space.load32(at) } : { error };
  });
}

/** The byte order that a number of enum regmap_endian stands for; undefined for the default. */
export function orderOf(k: LinuxKernel, value: number): Order | undefined {
  if (value === k.enumValue('REGMAP_ENDIAN_DEFAULT')) return undefined;
  return value === k.enumValue('REGMAP_ENDIAN_BIG') ? 'big' : 'little';
}

/** Of a struct regmap_bus of a module's. */
export function busTransport(k: LinuxKernel, bus: Ptr, context: Ptr): Transport {
  const type = k.struct('regmap_bus');
  const has = (member: string): boolean => type.has(member) && type.get(bus, member) !== 0;
  const isRaw = has('read') && has('write');
  const single: SingleTransport = {
    read: (register) => filled(k, (at) => type.call(bus, 'reg_read', context, register, at)),
    write: (register, value) => type.call(bus, 'reg_write', context, register, value),
  };
  return {
    raw: isRaw ? new RawBus(k, bus, context) : undefined,
    single: has('reg_read') && has('reg_write') ? single : undefined,
    ...(has('reg_update_bits') && {
      updateBits: (register, mask, value) =>
        type.call(bus, 'reg_update_bits', context, register, mask, value),
    }),
    registerOrder: orderOf(k, type.get(bus, 'reg_format_endian_default')),
    valueOrder: orderOf(k, type.get(bus, 'val_format_endian_default')),
    readMask: type.get(bus, 'read_flag_mask'),
    maxRead: type.get(bus, 'max_raw_read'),
    maxWrite: type.get(bus, 'max_raw_write'),
    isFast: type.get(bus, 'fast_io') !== 0,
    *free() {
      if (has('free_context')) yield* type.call(bus, 'free_context', context);
      if (type.has('free_on_exit') && type.get(bus, 'free_on_exit') !== 0) k.slab.free(bus);
    },
  };
}

/** Messages in memory that devices may reach. */
class RawBus implements RawTransport {
  constructor(
    private readonly k: LinuxKernel,
    private readonly bus: Ptr,
    private readonly context: Ptr,
  ) {}

  *write(header: readonly number[], values: Uint8Array): Sleepable<number> {
    const { k, bus, context } = this;
    const type = k.struct('regmap_bus');
    const size = header.length + values.length;
    const buffer = k.slab.allocateBytes(size, true);
    if (buffer === 0) return -ENOMEM;
    k.space.writable(buffer, size).set([...header, ...values]);
    let error = -ENOTSUPP;
    if (type.get(bus, 'gather_write') !== 0)
      error = yield* type.call(
        bus,
        'gather_write',
        context,
        buffer,
        header.length,
        buffer + header.length,
        values.length,
      );
    if (error === -ENOTSUPP) error = yield* type.call(bus, 'write', context, buffer, size);
    k.slab.free(buffer);
    return error;
  }

  *read(header: readonly number[], bytes: number): Sleepable<Uint8Array | number> {
    const { k, bus, context } = this;
    const size = header.length + bytes;
    const buffer = k.slab.allocateBytes(size, true);
    if (buffer === 0) return -ENOMEM;
    k.space.writable(buffer, header.length).set(header);
    const into = buffer + header.length;
    const error = yield* k
      .struct('regmap_bus')
      .call(bus, 'read', context, buffer, header.length, into, bytes);
    const values = k.space.readable(into, bytes).slice();
    k.slab.free(buffer);
    return error === 0 ? values : error;
  }
}

/** Of a configuration that has functions for registers, and no bus. */
export function functionTransport(k: LinuxKernel, config: Ptr, context: Ptr): Transport {
  const type = k.struct('regmap_config');
  const member = (name: string): Ptr => (type.has(name) ? type.get(config, name) : 0);
  const [read, write, update] = ['reg_read', 'reg_write', 'reg_update_bits'].map(member);
  return {
    raw: undefined,
    single: {
      read: (register) =>
        read === 0 ? { error: -ENOTSUPP } : filled(k, (at) => k.callAs('i:pup', read, context, register, at)),
      *write(register, value) {
        return write === 0 ? -ENOTSUPP : yield* k.callAs('i:puu', write, context, register, value);
      },
    },
    ...(update !== 0 && {
      updateBits: (register: number, mask: number, value: number) =>
        k.callAs('i:puuu', update, context, register, mask, value),
    }),
    registerOrder: undefined,
    valueOrder: undefined,
    readMask: 0,
    maxRead: 0,
    maxWrite: 0,
    isFast: type.get(config, 'fast_io') !== 0,
    free: () => undefined,
  };
}
