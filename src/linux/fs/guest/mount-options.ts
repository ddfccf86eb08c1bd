import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { LOGLEVEL_ERR } from '../../../kernel/log.js';
import { withLocals } from '../../../kernel/task/locals.js';
import { EINVAL, ENOMEM, ENOPARAM } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';

/** Options that are flags of the super_block, not the file system's (include/linux/fs.h). */
const SET: Readonly<Record<string, number>> = {
  dirsync: 1 << 7,
  lazytime: 1 << 25,
  mand: 1 << 6,
  ro: 1 << 0,
  sync: 1 << 4,
};
const CLEARED: Readonly<Record<string, number>> = {
  async: 1 << 4,
  nolazytime: 1 << 25,
  nomand: 1 << 6,
  rw: 1 << 0,
};

/** What a mount is asked for, given to the file system option by option (fs/fs_context.c). */
export class MountOptions implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    vfs_parse_fs_param: (context: Ptr, parameter: Ptr) => this.parse(context, parameter),
    vfs_parse_fs_param_source: (context: Ptr, parameter: Ptr) => this.source(context, parameter),
    vfs_parse_fs_string: (context: Ptr, key: Ptr, value: Ptr, size: number) =>
      this.parseText(
        context,
        this.k.space.cstring(key),
        value === 0 ? undefined : this.k.space.cstring(value, size),
      ),
    generic_parse_monolithic: (context: Ptr, data: Ptr) => this.parseList(context, data),
  };

  /** generic_parse_monolithic(): `key[=value],...`, until one is refused. */
  *parseList(context: Ptr, data: Ptr): Sleepable<number> {
    if (data === 0) return 0;
    for (const option of this.k.space.cstring(data).split(',')) {
      const cut = option.indexOf('=');
      if (option === '' || cut === 0) continue;
      const key = cut < 0 ? option : option.slice(0, cut);
      const error = yield* this.parseText(context, key, cut < 0 ? undefined : option.slice(cut + 1));
      if (error < 0) return error;
    }
    return 0;
  }

  /** vfs_parse_fs_string(): one option; without a value it is a flag. 0 or a negative error number. */
  *parseText(context: Ptr, key: string, value: string | undefined): Sleepable<number> {
    const { k } = this;
    const type = k.struct('fs_parameter');
    const text = value === undefined ? 0 : this.duplicate(value);
    if (value !== undefined && text === 0) return -ENOMEM;
    const parse = this.parse.bind(this);
    return yield* withLocals(k, type.size + key.length + 1, function* (at) {
      k.space.storeCstring(at + type.size, key);
      type.set(at, 'key', at + type.size);
      type.set(at, 'type', k.enumValue(value === undefined ? 'fs_value_is_flag' : 'fs_value_is_string'));
      type.set(at, 'string', text);
      type.set(at, 'size', value?.length ?? 0);
      const error = yield* parse(context, at);
      const left = type.get(at, 'string');
      if (left !== 0) k.slab.free(left);
      return error;
    });
  }

  /** vfs_parse_fs_param(): flags of the super_block first, then the file system, then `source`. */
  private *parse(context: Ptr, parameter: Ptr): Sleepable<number> {
    const { k } = this;
    const type = k.struct('fs_context');
    const key = k.struct('fs_parameter').string(parameter, 'key');
    if (this.superFlag(context, key)) return 0;
    const operations = type.get(context, 'ops');
    const table = k.struct('fs_context_operations');
    const parses = operations !== 0 && table.get(operations, 'parse_param') !== 0;
    const error = parses ? yield* table.call(operations, 'parse_param', context, parameter) : -ENOPARAM;
    if (error !== -ENOPARAM) return error;
    const other = this.source(context, parameter);
    if (other !== -ENOPARAM) return other;
    const name = k.struct('file_system_type').string(type.get(context, 'fs_type'), 'name');
    return this.refuse(`${name}: Unknown parameter '${key}'`);
  }

  private superFlag(context: Ptr, key: string): boolean {
    const set = Object.hasOwn(SET, key) ? SET[key] : 0;
    const cleared = Object.hasOwn(CLEARED, key) ? CLEARED[key] : 0;
    if ((set | cleared) === 0) return false;
    const type = this.k.struct('fs_context');
    type.set(context, 'sb_flags', (type.get(context, 'sb_flags') | set) & ~cleared);
    type.set(context, 'sb_flags_mask', type.get(context, 'sb_flags_mask') | set | cleared);
    return true;
  }

  /** vfs_parse_fs_param_source(): takes over the text of `source`. */
  private source(context: Ptr, parameter: Ptr): number {
    const { k } = this;
    const parameters = k.struct('fs_parameter');
    const type = k.struct('fs_context');
    if (parameters.string(parameter, 'key') !== 'source') return -ENOPARAM;
    const name = k.struct('file_system_type').string(type.get(context, 'fs_type'), 'name');
    if (parameters.get(parameter, 'type') !== k.enumValue('fs_value_is_string'))
      return this.refuse(`${name}: Non-string source`);
    if (type.get(context, 'source') !== 0) return this.refuse(`${name}: Multiple sources`);
    type.set(context, 'source', parameters.get(parameter, 'string'));
    parameters.set(parameter, 'string', 0);
    return 0;
  }

  private refuse(message: string): number {
    this.k.log.line(message, LOGLEVEL_ERR);
    return -EINVAL;
  }

  private duplicate(text: string): Ptr {
    const copy = this.k.slab.allocateBytes(text.length + 1, false);
    if (copy !== 0) this.k.space.storeCstring(copy, text);
    return copy;
  }
}
