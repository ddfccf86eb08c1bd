import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { EINVAL } from '../errno.js';
import { isErr, ptrErr } from '../errors.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { Ciphers } from './cipher.js';
import { CryptoInstances } from './instances.js';
import { Skciphers } from './skcipher.js';
import { SkcipherWalks } from './skcipher-walk.js';
import { CryptoTemplates } from './templates.js';

/** What a mode does with the whole blocks of a step: `from` and `to` may be the same. */
interface Step {
  readonly cipher: Ptr;
  readonly iv: Ptr;
  readonly block: number;
  readonly from: Ptr;
  readonly to: Ptr;
  readonly bytes: number;
}

/**
 * Templates of modes over a single-block cipher that are built into the kernel image: `cbc` and `ecb` (crypto/cbc.c, ecb.c). Newer
 * kernels make linear ciphers of them (lskcipher), which are not here: see MissingBuiltins.
 */
export class BlockModes implements Subsystem {
  static readonly builtIn = 'CONFIG_CRYPTO_ALGAPI2';

  constructor(private readonly k: LinuxKernel) {}

  boot(): void {
    const { config } = this.k.target;
    if (hasLinearCiphers(this.k)) return;
    if (config.get('CONFIG_CRYPTO_ECB') === 'y')
      this.add(
        'ecb',
        (step) => this.ecb(step, 'cia_encrypt'),
        (step) => this.ecb(step, 'cia_decrypt'),
      );
    if (config.get('CONFIG_CRYPTO_CBC') === 'y')
      this.add(
        'cbc',
        (step) => this.cbcEncrypt(step),
        (step) => this.cbcDecrypt(step),
      );
  }

  private add(
    name: string,
    encrypt: (step: Step) => Sleepable<void>,
    decrypt: (step: Step) => Sleepable<void>,
  ): void {
    const { k } = this;
    const type = k.struct('crypto_template');
    const template = k.permanent(type.size);
    const bind = (instance: Ptr): void => {
      const instances = k.struct('skcipher_instance');
      instances.bind(instance, 'alg.encrypt', `crypto_${name}_encrypt`, (request: Ptr) =>
        this.crypt(request, encrypt),
      );
      instances.bind(instance, 'alg.decrypt', `crypto_${name}_decrypt`, (request: Ptr) =>
        this.crypt(request, decrypt),
      );
      if (name === 'ecb') instances.set(instance, 'alg.ivsize', 0);
    };
    type.setText(template, 'name', name);
    type.bind(template, 'create', `crypto_${name}_create`, (at: Ptr, table: Ptr) =>
      this.create(at, table, bind),
    );
    k.get(CryptoTemplates).register(template);
  }

  private *create(template: Ptr, table: Ptr, bind: (instance: Ptr) => void): Sleepable<number> {
    const { k } = this;
    const skciphers = k.get(Skciphers);
    const instance = yield* skciphers.simpleInstance(template, table);
    if (isErr(instance)) return ptrErr(instance);
    const block = k.struct('skcipher_instance').get(instance, 'alg.base.cra_blocksize');
    bind(instance);
    const isPower = (block & (block - 1)) === 0;
    const result = isPower ? yield* k.get(CryptoInstances).registerSkcipher(template, instance) : -EINVAL;
    if (result !== 0) skciphers.freeSimple(instance);
    return result;
  }

  /** Goes through a request step by step; bytes that are no whole block are an error at its end. */
  private *crypt(request: Ptr, mode: (step: Step) => Sleepable<void>): Sleepable<number> {
    const { k } = this;
    const type = k.struct('skcipher_walk');
    const requests = k.struct('skcipher_request');
    const walks = k.get(SkcipherWalks);
    const tfm = k.struct('crypto_skcipher').of(requests.get(request, 'base.tfm'), 'base');
    const walk = k.slab.allocateBytes(type.size, true);
    let result = walks.start(walk, request);
    while (type.get(walk, 'nbytes') !== 0) {
      const block = type.get(walk, 'blocksize');
      const left = type.get(walk, 'nbytes') % block;
      yield* mode({
        cipher: k.get(Skciphers).cipherOf(tfm),
        iv: type.get(walk, 'iv'),
        block,
        from: type.get(walk, 'src.virt.addr'),
        to: type.get(walk, 'dst.virt.addr'),
        bytes: type.get(walk, 'nbytes') - left,
      });
      result = walks.done(walk, left);
    }
    k.slab.free(walk);
    return result;
  }

  private *ecb(
    { cipher, block, from, to, bytes }: Step,
    operation: 'cia_encrypt' | 'cia_decrypt',
  ): Sleepable<void> {
    for (let at = 0; at < bytes; at += block)
      yield* this.k.get(Ciphers).one(cipher, to + at, from + at, operation);
  }

  private *cbcEncrypt({ cipher, iv, block, from, to, bytes }: Step): Sleepable<void> {
    for (let at = 0; at < bytes; at += block) {
      this.store(iv, xor(this.load(iv, block), this.load(from + at, block)));
      yield* this.k.get(Ciphers).one(cipher, to + at, iv, 'cia_encrypt');
      this.store(iv, this.load(to + at, block));
    }
  }

  private *cbcDecrypt({ cipher, iv, block, from, to, bytes }: Step): Sleepable<void> {
    for (let at = 0; at < bytes; at += block) {
      const input = this.load(from + at, block);
      yield* this.k.get(Ciphers).one(cipher, to + at, from + at, 'cia_decrypt');
      this.store(to + at, xor(this.load(to + at, block), this.load(iv, block)));
      this.store(iv, input);
    }
  }

  private load(at: Ptr, bytes: number): Uint8Array {
    return this.k.space.bytes.slice(at, at + bytes);
  }

  private store(at: Ptr, bytes: Uint8Array): void {
    this.k.space.writable(at, bytes.length).set(bytes);
  }
}

/** Whether block modes are linear ciphers in this kernel. */
export function hasLinearCiphers(k: LinuxKernel): boolean {
  return k.hasSymbol('lskcipher_alloc_instance_simple');
}

function xor(a: Uint8Array, b: Uint8Array): Uint8Array {
  return a.map((byte, i) => byte ^ b[i]);
}
