import { PAGE_SIZE, type Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { LOGLEVEL_ERR } from '../../kernel/log.js';
import { EINVAL, ENOSPC } from '../errno.js';
import type { LinuxKernel } from '../kernel.js';
import { parseBool, parseInteger } from '../lib/string/kstrtox.js';
import type { Subsystem } from '../subsystem.js';
import { CHARP_LIMIT, PARAM_INTEGERS, type ParamInteger } from './param-types.js';
import { callSet } from './set-function.js';

export const OPS_FLAG_NOARG = 1;

/** Standard types of module parameters: kernel/params.c. */
export class ParamOps implements Subsystem {
  /** Strings that charp parameters own. */
  private readonly strings = new Set<Ptr>();

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    ...this.integerExports(),
    param_set_charp: (value: Ptr, param: Ptr) => this.setCharp(value, param),
    param_get_charp: (buffer: Ptr, param: Ptr) => {
      const text = this.k.space.loadPtr(this.argument(param));
      return this.print(buffer, `${text === 0 ? '(null)' : this.k.space.cstring(text)}\n`);
    },
    param_free_charp: (argument: Ptr) => this.freeCharp(argument),
    param_set_bool: (value: Ptr, param: Ptr) => this.setBool(value, param),
    param_get_bool: (buffer: Ptr, param: Ptr) =>
      this.print(buffer, this.k.space.load8(this.argument(param)) ? 'Y\n' : 'N\n'),
    param_set_bool_enable_only: (value: Ptr, param: Ptr) => this.setBoolEnableOnly(value, param),
    param_set_invbool: (value: Ptr, param: Ptr) => this.setInverted(value, param),
    param_get_invbool: (buffer: Ptr, param: Ptr) =>
      this.print(buffer, this.k.space.load8(this.argument(param)) ? 'N\n' : 'Y\n'),
    param_set_bint: (value: Ptr, param: Ptr) => this.setBint(value, param),
    param_set_uint_minmax: (value: Ptr, param: Ptr, min: number, max: number) => {
      const parsed = parseInteger(this.k.space.cstring(value), 0, { bits: 32, signed: false });
      if ('error' in parsed) return parsed.error;
      if (parsed.value < BigInt(min) || parsed.value > BigInt(max)) return -EINVAL;
      this.k.space.store32(this.argument(param), Number(parsed.value));
      return 0;
    },
    param_set_copystring: (value: Ptr, param: Ptr) => this.setCopyString(value, param),
    param_get_string: (buffer: Ptr, param: Ptr) => {
      const string = this.k.struct('kparam_string');
      return this.print(buffer, `${string.string(this.argument(param), 'string')}\n`);
    },
  };

  readonly data = this.tables();

  private integerExports(): Record<string, (...args: never[]) => unknown> {
    const found: Record<string, (...args: never[]) => unknown> = {};
    for (const [name, type] of Object.entries(PARAM_INTEGERS)) {
      found[`param_set_${name}`] = (value: Ptr, param: Ptr) => this.setInteger(value, param, type);
      found[`param_get_${name}`] = (buffer: Ptr, param: Ptr) => this.getInteger(buffer, param, type);
    }
    return found;
  }

  private tables(): Record<string, (at: Ptr) => void> {
    const tables: Record<string, (at: Ptr) => void> = {};
    for (const name of [
      ...Object.keys(PARAM_INTEGERS),
      'charp',
      'bool',
      'invbool',
      'bint',
      'bool_enable_only',
    ])
      tables[`param_ops_${name}`] = (at) => this.fillOps(at, name);
    tables['param_array_ops'] = (at) => {
      const ops = this.k.struct('kernel_param_ops');
      ops.bind(at, 'set', 'param_array_set', (value: Ptr, param: Ptr) => this.setArray(value, param));
      ops.bind(at, 'get', 'param_array_get', (buffer: Ptr, param: Ptr) => this.getArray(buffer, param));
      ops.bind(at, 'free', 'param_array_free', (target: Ptr) => this.freeArray(target));
    };
    tables['param_ops_string'] = (at) => {
      const ops = this.k.struct('kernel_param_ops');
      ops.set(at, 'set', this.k.fn('param_set_copystring'));
      ops.set(at, 'get', this.k.fn('param_get_string'));
    };
    return tables;
  }

  private fillOps(at: Ptr, name: string): void {
    const ops = this.k.struct('kernel_param_ops');
    const getter = { bint: 'int', bool_enable_only: 'bool' }[name] ?? name;
    ops.set(at, 'set', this.k.fn(`param_set_${name}`));
    ops.set(at, 'get', this.k.fn(`param_get_${getter}`));
    if (name === 'charp') ops.set(at, 'free', this.k.fn('param_free_charp'));
    if (name === 'bool' || name === 'bool_enable_only') ops.set(at, 'flags', OPS_FLAG_NOARG);
  }

  private argument(param: Ptr): Ptr {
    return this.k.struct('kernel_param').get(param, 'arg');
  }

  private print(buffer: Ptr, text: string): number {
    this.k.space.storeCstring(buffer, text.slice(0, PAGE_SIZE - 1));
    return Math.min(text.length, PAGE_SIZE - 1);
  }

  private setInteger(value: Ptr, param: Ptr, type: ParamInteger): number {
    const parsed = parseInteger(this.k.space.cstring(value), 0, type);
    if ('error' in parsed) return parsed.error;
    const at = this.argument(param);
    for (let i = 0; i < type.bits / 8; i++)
      this.k.space.store8(at + i, Number((parsed.value >> BigInt(8 * i)) & 0xffn));
    return 0;
  }

  private getInteger(buffer: Ptr, param: Ptr, type: ParamInteger): number {
    const at = this.argument(param);
    let raw = 0n;
    for (let i = type.bits / 8 - 1; i >= 0; i--) raw = (raw << 8n) | BigInt(this.k.space.load8(at + i));
    const value = type.signed ? BigInt.asIntN(type.bits, raw) : raw;
    return this.print(buffer, type.hex ? `0x${value.toString(16).padStart(6, '0')}\n` : `${value}\n`);
  }

  private setCharp(value: Ptr, param: Ptr): number {
    const text = this.k.space.cstring(value);
    if (text.length > CHARP_LIMIT) {
      const name = this.k.struct('kernel_param').string(param, 'name');
      this.k.log.line(`${name}: string parameter too long`, LOGLEVEL_ERR);
      return -ENOSPC;
    }
    const at = this.argument(param);
    this.freeCharp(at);
    const copy = this.k.slab.allocateBytes(text.length + 1, false);
    this.k.space.storeCstring(copy, text);
    this.strings.add(copy);
    this.k.space.storePtr(at, copy);
    return 0;
  }

  private freeCharp(at: Ptr): void {
    const old = this.k.space.loadPtr(at);
    if (this.strings.delete(old)) this.k.slab.free(old);
  }

  private setBool(value: Ptr, param: Ptr): number {
    const parsed = value === 0 ? true : parseBool(this.k.space.cstring(value));
    if (parsed === undefined) return -EINVAL;
    this.k.space.store8(this.argument(param), parsed ? 1 : 0);
    return 0;
  }

  private setBoolEnableOnly(value: Ptr, param: Ptr): number {
    const parsed = value === 0 ? true : parseBool(this.k.space.cstring(value));
    if (parsed === undefined) return -EINVAL;
    const at = this.argument(param);
    if (!parsed && this.k.space.load8(at)) return -30;
    if (parsed) this.k.space.store8(at, 1);
    return 0;
  }

  private setInverted(value: Ptr, param: Ptr): number {
    const parsed = parseBool(this.k.space.cstring(value));
    if (parsed === undefined) return -EINVAL;
    this.k.space.store8(this.argument(param), parsed ? 0 : 1);
    return 0;
  }

  private setBint(value: Ptr, param: Ptr): number {
    const parsed = value === 0 ? true : parseBool(this.k.space.cstring(value));
    if (parsed === undefined) return -EINVAL;
    this.k.space.store32(this.argument(param), parsed ? 1 : 0);
    return 0;
  }

  private setCopyString(value: Ptr, param: Ptr): number {
    const string = this.k.struct('kparam_string');
    const target = this.argument(param);
    const text = this.k.space.cstring(value);
    if (text.length + 1 > string.get(target, 'maxlen')) {
      const name = this.k.struct('kernel_param').string(param, 'name');
      this.k.log.line(
        `${name}: string doesn't fit in ${string.get(target, 'maxlen') - 1} chars.`,
        LOGLEVEL_ERR,
      );
      return -ENOSPC;
    }
    this.k.space.storeCstring(string.get(target, 'string'), text);
    return 0;
  }

  /** Sets the elements of an array from a comma-separated list, through the element type's own function. */
  private *setArray(value: Ptr, param: Ptr): Sleepable<number> {
    const { k } = this;
    const array = k.struct('kparam_array');
    const target = this.argument(param);
    const max = array.get(target, 'max');
    const elements = k.space.cstring(value).split(',');
    let at = value;
    const element = this.elementParam(param);
    let count = 0;
    let result = 0;
    for (const text of elements) {
      if (count >= max) {
        const name = k.struct('kernel_param').string(param, 'name');
        k.log.line(`${name}: can only take ${max} arguments`, LOGLEVEL_ERR);
        result = -EINVAL;
        break;
      }
      k.struct('kernel_param').set(
        element,
        'arg',
        array.get(target, 'elem') + array.get(target, 'elemsize') * count,
      );
      // The list is cut at its commas, and stays so: what is said of a bad value shows only its beginning.
      k.space.store8(at + text.length, 0);
      result = yield* callSet(k, array.get(target, 'ops'), at, element);
      if (result !== 0) break;
      at += text.length + 1;
      count++;
    }
    k.slab.free(element);
    const num = array.get(target, 'num');
    if (num !== 0) k.space.store32(num, count);
    return result;
  }

  /** Frees what the elements that were set hold. */
  private *freeArray(target: Ptr): Sleepable<void> {
    const { k } = this;
    const array = k.struct('kparam_array');
    const ops = k.struct('kernel_param_ops');
    const table = array.get(target, 'ops');
    if (ops.get(table, 'free') === 0) return;
    const num = array.get(target, 'num');
    const count = num === 0 ? array.get(target, 'max') : k.space.load32(num);
    for (let i = 0; i < count; i++)
      yield* ops.call(table, 'free', array.get(target, 'elem') + array.get(target, 'elemsize') * i);
  }

  private *getArray(buffer: Ptr, param: Ptr): Sleepable<number> {
    const { k } = this;
    const array = k.struct('kparam_array');
    const target = this.argument(param);
    const ops = k.struct('kernel_param_ops');
    const num = array.get(target, 'num');
    const count = num === 0 ? array.get(target, 'max') : k.space.load32(num);
    const element = this.elementParam(param);
    let offset = 0;
    for (let i = 0; i < count; i++) {
      if (i > 0) k.space.store8(buffer + offset - 1, 0x2c);
      k.struct('kernel_param').set(
        element,
        'arg',
        array.get(target, 'elem') + array.get(target, 'elemsize') * i,
      );
      const length = yield* ops.call(array.get(target, 'ops'), 'get', buffer + offset, element);
      if (length < 0) {
        k.slab.free(element);
        return length;
      }
      offset += length;
    }
    k.slab.free(element);
    k.space.store8(buffer + offset, 0);
    return offset;
  }

  /** A copy of the array's kernel_param, to point at one element after the other. */
  private elementParam(param: Ptr): Ptr {
    const size = this.k.sizeOf('kernel_param');
    const copy = this.k.slab.allocateBytes(size, true);
    this.k.space.bytes.copyWithin(copy, param, param + size);
    return copy;
  }
}
