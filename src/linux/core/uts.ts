import type { Ptr } from '../../cpu/layout.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

/** Names of the system (uname(2)): the one UTS namespace, before anybody gave the machine a host name. */
export class UtsNamespaces implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly data = {
    init_uts_ns: (at: Ptr) => this.fill(at),
  };

  /** Tasks find the namespace through their nsproxy. */
  boot(): void {
    const { k } = this;
    if (k.hasSymbol('init_nsproxy') && k.hasSymbol('init_uts_ns'))
      k.struct('nsproxy').set(k.symbol('init_nsproxy'), 'uts_ns', k.symbol('init_uts_ns'));
  }

  private fill(at: Ptr): void {
    const type = this.k.struct('uts_namespace');
    const names = {
      sysname: 'Linux',
      nodename: '(none)',
      release: this.k.target.release,
      machine: 'x86_64',
      domainname: '(none)',
    };
    for (const [member, text] of Object.entries(names)) type.setText(at, `name.${member}`, text);
  }
}
