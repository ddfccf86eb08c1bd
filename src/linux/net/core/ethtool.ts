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
      const type = this.k.struct('ethtool_ts_info');
      type.set(info, 'so_timestamping', SOFTWARE_RX | SOFTWARE);
      type.set(info, 'phc_index', -1);
      return 0;
    },
    netdev_set_default_ethtool_ops: (dev: Ptr, ops: Ptr) => {
      const type = this.k.struct('net_device');
      const current = type.get(dev, 'ethtool_ops');
      if (current === 0 || current === this.k.symbol('default_ethtool_ops'))
        type.set(dev, 'ethtool_ops', ops);
    },
  };

  /** The PHY library's operations for ethtool, 0 while it is not loaded. */
  get phyOps(): Ptr {
    return this.phy;
  }
}

/** SOF_TIMESTAMPING_RX_SOFTWARE and _SOFTWARE (include/uapi/linux/net_tstamp.h). */
const SOFTWARE_RX = 1 << 3;
const SOFTWARE = 1 << 4;
