import type { Ptr } from '../../cpu/layout.js';
import { EINVAL, ENAMETOOLONG, ENOENT } from '../errno.js';
import { errPtr, isErr, ptrErr } from '../errors.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { INHERITED_FLAGS } from './types.js';

/** What a template is told to make an instance of: struct rtattr's in a table (crypto/algapi.c). */
export class CryptoAttributes implements Subsystem {
  static readonly builtIn = 'CONFIG_CRYPTO_ALGAPI2';

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    crypto_get_attr_type: (table: Ptr) => this.typeOf(table),
    crypto_check_attr_type: (table: Ptr, type: number, mask: Ptr) => this.check(table, type, mask),
    crypto_attr_alg_name: (attribute: Ptr) => this.nameOf(attribute),
    crypto_inst_setname: (instance: Ptr, name: Ptr, alg: Ptr) =>
      this.setName(instance, this.k.space.cstring(name), alg),
  };

  /** struct crypto_attr_type, or an ERR_PTR. */
  private typeOf(table: Ptr): Ptr {
    const attribute = this.k.space.loadPtr(table);
    return this.payload(attribute, this.k.enumValue('CRYPTOA_TYPE'), 'crypto_attr_type');
  }

  nameOf(attribute: Ptr): Ptr {
    const name = this.payload(attribute, this.k.enumValue('CRYPTOA_ALG'), 'crypto_attr_alg');
    if (!isErr(name)) this.k.space.store8(name + this.k.sizeOf('crypto_attr_alg') - 1, 0);
    return name;
  }

  private payload(attribute: Ptr, kind: number, struct: string): Ptr {
    if (attribute === 0) return errPtr(ENOENT);
    const type = this.k.struct('rtattr');
    const room = type.get(attribute, 'rta_len') - type.size;
    if (room < this.k.sizeOf(struct) || type.get(attribute, 'rta_type') !== kind) return errPtr(EINVAL);
    return attribute + type.size;
  }

  /** Whether an instance of `type` is what is wanted; in *mask goes what its parts must not have. */
  private check(table: Ptr, type: number, mask: Ptr): number {
    const wanted = this.typeOf(table);
    if (isErr(wanted)) return ptrErr(wanted);
    const view = this.k.struct('crypto_attr_type');
    const [wantedType, wantedMask] = [view.get(wanted, 'type'), view.get(wanted, 'mask')];
    if ((wantedType ^ type) & wantedMask) return -EINVAL;
    this.k.space.store32(mask, ((wantedType ^ INHERITED_FLAGS) & wantedMask & INHERITED_FLAGS) >>> 0);
    return 0;
  }

  /** `cbc(aes)` and `cbc(aes-generic)`: -ENAMETOOLONG where they do not fit. */
  setName(instance: Ptr, name: string, alg: Ptr): number {
    const type = this.k.struct('crypto_alg');
    const at = this.k.struct('crypto_instance').addr(instance, 'alg');
    for (const member of ['cra_name', 'cra_driver_name']) {
      const full = `${name}(${type.text(alg, member)})`;
      if (full.length >= type.member(member).size) return -ENAMETOOLONG;
      type.setText(at, member, full);
    }
    return 0;
  }
}
