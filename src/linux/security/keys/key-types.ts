import type { Ptr } from '../../../cpu/layout.js';
import { LOGLEVEL_NOTICE } from '../../../kernel/log.js';
import { GuestList } from '../../abi/guest-list.js';
import { EEXIST } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';

/** Key types of the kernel image: the variable that holds each, and its name. */
const BUILT_IN: readonly (readonly [symbol: string, name: string])[] = [
  ['key_type_keyring', 'keyring'],
  ['key_type_user', 'user'],
  ['key_type_logon', 'logon'],
  ['key_type_asymmetric', 'asymmetric'],
];

/** Types of keys (security/keys/key.c). */
export class KeyTypes implements Subsystem {
  static readonly builtIn = 'CONFIG_KEYS';

  private readonly types: GuestList;

  constructor(private readonly k: LinuxKernel) {
    this.types = new GuestList(k, 'key_type', 'link', 'key_types_list', { kind: 'key type', name: 'name' });
  }

  readonly exports = {
    register_key_type: (type: Ptr) => this.register(type),
    unregister_key_type: (type: Ptr) => this.unregister(type),
  };

  boot(): void {
    const { k } = this;
    for (const [symbol, name] of BUILT_IN) {
      if (!k.hasSymbol(symbol)) continue;
      const type = k.symbol(symbol);
      k.struct('key_type').set(type, 'name', k.constantString(name));
      this.types.addTail(type);
    }
  }

  find(name: string): Ptr | undefined {
    return this.types.find((type) => this.name(type) === name);
  }

  name(type: Ptr): string {
    return this.k.struct('key_type').string(type, 'name');
  }

  private register(type: Ptr): number {
    if (this.find(this.name(type)) !== undefined) return -EEXIST;
    this.types.add(type);
    this.k.log.line(`Key type ${this.name(type)} registered`, LOGLEVEL_NOTICE);
    return 0;
  }

  private unregister(type: Ptr): void {
    this.types.delInit(type);
    this.k.log.line(`Key type ${this.name(type)} unregistered`, LOGLEVEL_NOTICE);
  }
}
