import type { Ptr } from '../../../cpu/layout.js';
import { LOGLEVEL_ERR, LOGLEVEL_NOTICE } from '../../../kernel/log.js';
import { EEXIST } from '../../errno.js';
import { type Holding, heldStructs } from '../../holding.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';

/** Who can read the data of asymmetric keys (crypto/asymmetric_keys/asymmetric_type.c). */
export class AsymmetricKeyParsers implements Subsystem {
  private readonly parsers: Ptr[] = [];

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    register_asymmetric_key_parser: (parser: Ptr) => this.register(parser),
    unregister_asymmetric_key_parser: (parser: Ptr) => this.unregister(parser),
  };

  holds(): Iterable<Holding> {
    return heldStructs(
      this.k,
      { kind: 'key parser', struct: 'asymmetric_key_parser', name: 'name' },
      this.parsers,
    );
  }

  private name(parser: Ptr): string {
    return this.k.struct('asymmetric_key_parser').string(parser, 'name');
  }

  private register(parser: Ptr): number {
    const { log } = this.k;
    const name = this.name(parser);
    if (this.parsers.some((other) => this.name(other) === name)) {
      log.line(`Asymmetric key parser '${name}' already registered`, LOGLEVEL_ERR);
      return -EEXIST;
    }
    this.k.origins.note(parser);
    this.parsers.push(parser);
    log.line(`Asymmetric key parser '${name}' registered`, LOGLEVEL_NOTICE);
    return 0;
  }

  private unregister(parser: Ptr): void {
    const at = this.parsers.indexOf(parser);
    if (at < 0) return;
    this.parsers.splice(at, 1);
    this.k.log.line(`Asymmetric key parser '${this.name(parser)}' unregistered`, LOGLEVEL_NOTICE);
  }
}
