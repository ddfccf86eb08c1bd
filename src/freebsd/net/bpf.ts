import type { Ptr } from '../../cpu/layout.js';
import { partly } from '../../kernel/abi/fidelity.js';
import type { Holding } from '../../kernel/modules/holding.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

/** struct bpf_if begins with two lists of descriptors, which inlined code asks whether they are empty (struct bpf_if_ext). */
const BPF_IF_BYTES = 128;
const NO_LISTENER = 'nobody can open /dev/bpf';

interface Tap {
  readonly at: Ptr;
  readonly ifp: Ptr;
  readonly linkType: number;
  /** Where a driver keeps the pointer to it. */
  readonly place: Ptr;
}

/** bpf(9)'s side of interfaces (sys/net/bpf.c): who could listen to them. */
export class Bpf implements Subsystem {
  private readonly taps = new Map<Ptr, Tap>();

  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    bpfattach: partly(NO_LISTENER, (ifp: Ptr, linkType: number) =>
      this.attach(ifp, linkType, this.placeIn(ifp)),
    ),
    bpfattach2: partly(NO_LISTENER, (ifp: Ptr, linkType: number, _header: number, place: Ptr) =>
      this.attach(ifp, linkType, place),
    ),
    bpfdetach: (ifp: Ptr) => this.detach(ifp),
    bpf_mtap: partly(NO_LISTENER, () => {}),
    bpf_mtap_if: partly(NO_LISTENER, () => {}),
    bpf_mtap2: partly(NO_LISTENER, () => {}),
    bpf_mtap2_if: partly(NO_LISTENER, () => {}),
    bpf_tap: partly(NO_LISTENER, () => {}),
    bpf_tap_if: partly(NO_LISTENER, () => {}),
    ether_bpf_mtap_if: partly(NO_LISTENER, () => {}),
    if_bpfmtap: partly(NO_LISTENER, () => {}),
    if_etherbpfmtap: partly(NO_LISTENER, () => {}),
    bpf_peers_present_if: partly(NO_LISTENER, () => false),
  };

  private placeIn(ifp: Ptr): Ptr {
    return this.k.struct('ifnet').addr(ifp, 'if_bpf');
  }

  attach(ifp: Ptr, linkType: number, place: Ptr): void {
    const at = this.k.slab.allocateBytes(BPF_IF_BYTES, true);
    this.taps.set(at, { at, ifp, linkType, place });
    this.k.origins.note(at);
    this.k.space.storePtr(place, at);
  }

  detach(ifp: Ptr): void {
    for (const tap of [...this.taps.values()]) {
      if (tap.ifp !== ifp) continue;
      this.taps.delete(tap.at);
      this.k.origins.forget(tap.at);
      this.k.slab.free(tap.at);
    }
    this.k.space.storePtr(this.placeIn(ifp), 0);
  }

  *holds(): Generator<Holding> {
    const net = this.k.struct('ifnet');
    for (const { at, ifp } of this.taps.values())
      yield { kind: 'bpf tap', at, by: this.k.origins.of(at), name: () => net.text(ifp, 'if_xname') };
  }
}
