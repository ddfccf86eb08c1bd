import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { LOGLEVEL_ERR } from '../../../kernel/log.js';
import { EAGAIN, EEXIST, EINVAL, ENOENT } from '../../errno.js';
import type { Holding } from '../../holding.js';
import type { LinuxKernel } from '../../kernel.js';
import { Rcu } from '../../locking/rcu.js';
import type { Subsystem } from '../../subsystem.js';
import { InetProtocols } from '../ipv4/protocol.js';

/** ESP, AH and IPCOMP: the protocols that IPsec handlers are registered for. */
const PROTOCOLS = [50, 51, 108];

type Family = 4 | 6;

/** Handlers of IPsec's protocols, in order of priority (net/ipv4/xfrm4_protocol.c, net/ipv6/xfrm6_protocol.c). */
export class XfrmProtocols implements Subsystem {
  static readonly builtIn = 'CONFIG_XFRM';

  private readonly heads = new Map<string, Ptr>();

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    xfrm4_protocol_register: (handler: Ptr, protocol: number) => this.register(4, handler, protocol),
    xfrm4_protocol_deregister: (handler: Ptr, protocol: number) => this.deregister(4, handler, protocol),
    xfrm6_protocol_register: (handler: Ptr, protocol: number) => this.register(6, handler, protocol),
    xfrm6_protocol_deregister: (handler: Ptr, protocol: number) => this.deregister(6, handler, protocol),
  };

  *holds(): Generator<Holding> {
    for (const [key, head] of this.heads) {
      const struct = `xfrm${key[0]}_protocol`;
      const type = this.k.struct(struct);
      for (let at = this.k.space.loadPtr(head); at !== 0; at = type.get(at, 'next')) {
        if (!this.k.space.canRead(at, type.size)) break;
        yield { kind: 'IPsec protocol', at, uses: [type.get(at, 'handler')], name: () => key };
      }
    }
  }

  private register(family: Family, handler: Ptr, protocol: number): number {
    const { k } = this;
    if (!PROTOCOLS.includes(protocol)) return -EINVAL;
    const head = this.head(family, protocol);
    const type = k.struct(`xfrm${family}_protocol`);
    const first = k.space.loadPtr(head) === 0;
    const priority = type.get(handler, 'priority');
    let link = head;
    for (let at = k.space.loadPtr(link); at !== 0; at = k.space.loadPtr(link)) {
      if (type.get(at, 'priority') > priority) break;
      if (type.get(at, 'priority') === priority) return -EEXIST;
      link = type.addr(at, 'next');
    }
    type.set(handler, 'next', k.space.loadPtr(link));
    k.space.storePtr(link, handler);
    if (first && !k.get(InetProtocols).take(family, protocol, head)) {
      k.log.line(`xfrm${family}_protocol_register: can't add protocol`, LOGLEVEL_ERR);
      return -EAGAIN;
    }
    return 0;
  }

  private *deregister(family: Family, handler: Ptr, protocol: number): Sleepable<number> {
    const { k } = this;
    if (!PROTOCOLS.includes(protocol)) return -EINVAL;
    const head = this.head(family, protocol);
    const type = k.struct(`xfrm${family}_protocol`);
    let result = -ENOENT;
    let link = head;
    for (let at = k.space.loadPtr(link); at !== 0; at = k.space.loadPtr(link)) {
      if (at === handler) {
        k.space.storePtr(link, type.get(handler, 'next'));
        result = 0;
        break;
      }
      link = type.addr(at, 'next');
    }
    if (k.space.loadPtr(head) === 0 && !k.get(InetProtocols).release(family, protocol, head)) {
      k.log.line(`xfrm${family}_protocol_deregister: can't remove protocol`, LOGLEVEL_ERR);
      result = -EAGAIN;
    }
    yield* k.get(Rcu).synchronize();
    return result;
  }

  /** Head of a protocol's handlers; its address stands for them in the table of protocols. */
  private head(family: Family, protocol: number): Ptr {
    const key = `${family}/${protocol}`;
    let head = this.heads.get(key);
    if (head === undefined) {
      head = this.k.permanent(this.k.sizeOf('net_protocol'));
      this.heads.set(key, head);
    }
    return head;
  }
}
