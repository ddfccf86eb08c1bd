import type { Ptr } from '../../../cpu/layout.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { DeviceOpening } from './dev-open.js';

/** What ethtool asks of devices, and the hooks of the PHY library (net/ethtool). */
export class Ethtool implements Subsystem {
  private phy: Ptr = 0;

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    ethtool_set_ethtool_phy_ops: (ops: Ptr) => {
      this.phy = ops;
    },
    ethtool_op_get_link: (dev: Ptr) =>
      this.k.get(DeviceOpening).state(dev, '__LINK_STATE_NOCARRIER') ? 0 : 1,
    ethtool_op_get_ts_info: (_dev: Ptr, info: Ptr) => {
      const own = 'kernel_ethtool_ts_info';
      const type = this.k.struct(this.k.types.findType(own) === undefined ? 'ethtool_ts_info' : own);
      type.set(info, 'so_timestamping', SOFTWARE_RX | SOFTWARE);
      type.set(info, 'phc_index', -1);
      return 0;
    },
    ethtool_forced_speed_maps_init: (maps: Ptr, count: number) => this.initSpeedMaps(maps, count),
    netdev_set_default_ethtool_ops: (dev: Ptr, ops: Ptr) => {
      const type = this.k.struct('net_device');
      const current = type.get(dev, 'ethtool_ops');
      if (current === 0 || current === this.k.symbol('default_ethtool_ops'))
        type.set(dev, 'ethtool_ops', ops);
    },
  };

  /** Turns each map's array of link modes into the bit set that is used from then on. */
  private initSpeedMaps(maps: Ptr, count: number): void {
    const { space } = this.k;
    const type = this.k.struct('ethtool_forced_speed_map');
    for (let at = maps; at < maps + count * type.size; at += type.size) {
      const modes = type.get(at, 'cap_arr');
      const caps = type.addr(at, 'caps');
      for (let i = 0; i < type.get(at, 'arr_size'); i++) {
        const mode = space.load32(modes + i * 4);
        const word = caps + (mode >> 3);
        space.store8(word, space.load8(word) | (1 << (mode & 7)));
      }
      type.set(at, 'cap_arr', 0);
      type.set(at, 'arr_size', 0);
    }
  }

  /** The PHY library's operations for ethtool, 0 while it is not loaded. */
  get phyOps(): Ptr {
    return this.phy;
  }
}

/** SOF_TIMESTAMPING_RX_SOFTWARE and _SOFTWARE (include/uapi/linux/net_tstamp.h). */
const SOFTWARE_RX = 1 << 3;
const SOFTWARE = 1 << 4;
