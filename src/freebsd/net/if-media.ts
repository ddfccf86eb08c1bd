import type { Ptr } from '../../cpu/layout.js';
import { partly } from '../../kernel/abi/fidelity.js';
import type { Sleepable } from '../../kernel/effects.js';
import { EINVAL, ENOMEM, ENXIO } from '../errno.js';
import { LinkedList } from '../kern/queue.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { SIOCGIFMEDIA, SIOCGIFXMEDIA, SIOCSIFMEDIA } from './sockio.js';

/** Megabits a second of Ethernet's media by their subtype (sys/net/if_media.c's ifmedia_baudrate_descriptions, the usual ones). */
const ETHERNET_MBPS: Readonly<Record<number, number>> = {
  3: 10,
  4: 10,
  5: 10,
  6: 100,
  7: 100,
  8: 100,
  9: 100,
  10: 100,
  11: 1000,
  12: 10,
  13: 10,
  14: 1000,
  15: 1000,
  16: 1000,
  18: 10_000,
  19: 10_000,
  20: 10_000,
  21: 2500,
  22: 10_000,
  23: 10_000,
  24: 10_000,
  26: 10_000,
  27: 40_000,
  28: 40_000,
  29: 40_000,
  30: 1000,
};
const IFMEDIAREQ_ULIST = 40;

/** ifmedia(9) (sys/net/if_media.c): what an interface can be set to, a list that drivers make. */
export class IfMedia implements Subsystem {
  private readonly entries: LinkedList;

  constructor(private readonly k: FreebsdKernel) {
    this.entries = new LinkedList(k.space, k.struct('ifmedia_entry').offsetOf('ifm_list'));
  }

  readonly exports = {
    ifmedia_init: (media: Ptr, mask: number, change: Ptr, status: Ptr) => {
      const { type } = this;
      this.k.space.writable(media, type.size).fill(0);
      type.set(media, 'ifm_mask', mask >>> 0);
      type.set(media, 'ifm_change', change);
      type.set(media, 'ifm_status', status);
    },
    ifmedia_add: (media: Ptr, word: number, data: number, aux: Ptr) => this.add(media, word, data, aux),
    ifmedia_list_add: (media: Ptr, entries: Ptr, count: number) => {
      const entry = this.k.struct('ifmedia_entry');
      for (let i = 0; i < count; i++) {
        const at = entries + i * entry.size;
        this.add(media, entry.get(at, 'ifm_media'), entry.get(at, 'ifm_data'), entry.get(at, 'ifm_aux'));
      }
    },
    ifmedia_set: (media: Ptr, word: number) => this.set(media, word),
    ifmedia_ioctl: (ifp: Ptr, request: Ptr, media: Ptr, command: number) =>
      this.ioctl(ifp, request, media, command),
    ifmedia_removeall: (media: Ptr) => this.removeAll(media),
    ifmedia_baudrate: partly('rates above those of 802.3ab and plain 10G and 40G are 0', (word: number) =>
      this.baudrate(word),
    ),
  };

  readonly signatures = { ifmedia_baudrate: 'Q:i' };

  private get type() {
    return this.k.struct('ifmedia');
  }

  private list(media: Ptr): Ptr {
    return this.type.addr(media, 'ifm_list');
  }

  private add(media: Ptr, word: number, data: number, aux: Ptr): void {
    const entry = this.k.struct('ifmedia_entry');
    const at = this.k.slab.allocateBytes(entry.size, true, true);
    if (at === 0) this.k.panic("ifmedia_add: can't malloc entry");
    entry.set(at, 'ifm_media', word >>> 0);
    entry.set(at, 'ifm_data', data >>> 0);
    entry.set(at, 'ifm_aux', aux);
    this.entries.insertHead(this.list(media), at);
  }

  /** One whose word is the wanted one but for what the driver does not care about. */
  private match(media: Ptr, word: number): Ptr | undefined {
    const entry = this.k.struct('ifmedia_entry');
    const mask = ~this.type.get(media, 'ifm_mask');
    const all = [...this.entries.elements(this.list(media))];
    return all.find((at) => ((entry.get(at, 'ifm_media') ^ word) & mask) === 0);
  }

  private set(media: Ptr, word: number): void {
    const none = this.k.macro('IFM_ETHER') | this.k.macro('IFM_NONE');
    let found = this.match(media, word);
    if (found === undefined) {
      if (this.match(media, none) === undefined) this.add(media, none, 0, 0);
      found = this.match(media, none) ?? 0;
    }
    this.type.set(media, 'ifm_cur', found);
  }

  private *ioctl(ifp: Ptr, request: Ptr, media: Ptr, command: number): Sleepable<number> {
    if (ifp === 0 || request === 0 || media === 0) return EINVAL;
    if (command >>> 0 === SIOCSIFMEDIA) return yield* this.change(ifp, request, media);
    if (command >>> 0 === SIOCGIFMEDIA || command >>> 0 === SIOCGIFXMEDIA)
      return yield* this.status(ifp, request, media);
    return EINVAL;
  }

  private *change(ifp: Ptr, request: Ptr, media: Ptr): Sleepable<number> {
    const { type } = this;
    const word = this.k.space.load32(request + this.k.macro('IFNAMSIZ'));
    const found = this.match(media, word);
    if (found === undefined) return ENXIO;
    const [oldEntry, oldWord] = [type.get(media, 'ifm_cur'), type.get(media, 'ifm_media')];
    type.set(media, 'ifm_cur', found);
    type.set(media, 'ifm_media', word);
    const error = yield* type.call(media, 'ifm_change', ifp);
    if (error === 0) return 0;
    type.set(media, 'ifm_cur', oldEntry);
    type.set(media, 'ifm_media', oldWord >>> 0);
    return error;
  }

  private *status(ifp: Ptr, request: Ptr, media: Ptr): Sleepable<number> {
    const { k, type } = this;
    const answer = k.struct('ifmediareq');
    const entry = k.struct('ifmedia_entry');
    const current = type.get(media, 'ifm_cur');
    const none = k.macro('IFM_NONE');
    answer.set(request, 'ifm_current', current === 0 ? none : entry.get(current, 'ifm_media') >>> 0);
    answer.set(request, 'ifm_active', answer.get(request, 'ifm_current') >>> 0);
    answer.set(request, 'ifm_mask', type.get(media, 'ifm_mask') >>> 0);
    answer.set(request, 'ifm_status', 0);
    yield* type.call(media, 'ifm_status', ifp, request);
    const all = [...this.entries.elements(this.list(media))];
    const wanted = answer.get(request, 'ifm_count');
    if (wanted < 0) return EINVAL;
    const list = k.space.loadPtr(request + IFMEDIAREQ_ULIST);
    for (const [i, at] of all.slice(0, wanted).entries())
      k.space.store32(list + 4 * i, entry.get(at, 'ifm_media') >>> 0);
    answer.set(request, 'ifm_count', all.length);
    return wanted !== 0 && wanted < all.length ? ENOMEM : 0;
  }

  private removeAll(media: Ptr): void {
    for (const at of [...this.entries.elements(this.list(media))]) {
      this.entries.remove(at);
      this.k.slab.free(at);
    }
    this.type.set(media, 'ifm_cur', 0);
  }

  private baudrate(word: number): bigint {
    const { k } = this;
    if ((word & k.macro('IFM_NMASK')) !== k.macro('IFM_ETHER')) return 0n;
    const extended = (word & k.macro('IFM_ETH_XTYPE')) !== 0;
    const mbps = extended ? undefined : ETHERNET_MBPS[word & k.macro('IFM_TMASK')];
    return BigInt(mbps ?? 0) * 1_000_000n;
  }
}
