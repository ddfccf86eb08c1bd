import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { EINVAL } from '../errno.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { AEAD, AHASH, AKCIPHER, CryptoRegistration, type Kind, KPP, SKCIPHER } from './registration.js';
import { Shash } from './shash.js';
import { CryptoTemplates } from './templates.js';

/** Registration of instances by kind: the kind's own checks, then the common part (crypto/skcipher.c and others). */
export class CryptoInstances implements Subsystem {
  static readonly builtIn = 'CONFIG_CRYPTO_ALGAPI2';

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    skcipher_register_instance: (template: Ptr, instance: Ptr) => this.registerSkcipher(template, instance),
    aead_register_instance: (template: Ptr, instance: Ptr) => this.ofKind(template, instance, AEAD),
    ahash_register_instance: (template: Ptr, instance: Ptr) => this.ofKind(template, instance, AHASH),
    akcipher_register_instance: (template: Ptr, instance: Ptr) => this.ofKind(template, instance, AKCIPHER),
    kpp_register_instance: (template: Ptr, instance: Ptr) => this.ofKind(template, instance, KPP),
    shash_register_instance: (template: Ptr, instance: Ptr) => this.registerShash(template, instance),
  };

  registerSkcipher(template: Ptr, instance: Ptr): Sleepable<number> {
    return this.ofKind(template, instance, SKCIPHER);
  }

  registerShash(template: Ptr, instance: Ptr): Sleepable<number> {
    return this.register(template, instance, 'shash_instance', 'alg.base', (alg) =>
      this.k.get(Shash).prepare(alg),
    );
  }

  private ofKind(template: Ptr, instance: Ptr, kind: Kind): Sleepable<number> {
    const container = kind.container.replace(/_alg$/, '_instance');
    const base = this.k.struct(kind.container).has('base') ? 'alg.base' : 'alg.halg.base';
    return this.register(template, instance, container, base, (alg) =>
      this.k.get(CryptoRegistration).prepare(alg, kind),
    );
  }

  private *register(
    template: Ptr,
    instance: Ptr,
    container: string,
    base: string,
    prepare: (alg: Ptr) => number,
  ): Sleepable<number> {
    const type = this.k.struct(container);
    if (type.get(instance, 'free') === 0) return -EINVAL;
    const refused = prepare(type.addr(instance, 'alg'));
    if (refused !== 0) return refused;
    return yield* this.k.get(CryptoTemplates).registerInstance(template, type.addr(instance, base));
  }
}
