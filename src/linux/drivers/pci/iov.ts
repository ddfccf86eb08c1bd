import type { Ptr } from '../../../cpu/layout.js';
import { nothing } from '../../../kernel/abi/fidelity.js';
import { EINVAL, ENODEV, ENOSYS } from '../../errno.js';
import { errPtr } from '../../errors.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';

const WHY = 'no device has virtual functions';

/** Virtual functions of devices (drivers/pci/iov.c): the capability is not looked at, so that no device is a physical function. */
export class PciIov implements Subsystem {
  static readonly builtIn = 'CONFIG_PCI_IOV';

  constructor(readonly k: LinuxKernel) {}

  readonly exports: Record<string, (...args: Ptr[]) => number | undefined> = {
    pci_enable_sriov: nothing(WHY, -ENOSYS),
    pci_disable_sriov: nothing(WHY, undefined),
    pci_num_vf: nothing(WHY, 0),
    pci_vfs_assigned: nothing(WHY, 0),
    pci_sriov_get_totalvfs: nothing(WHY, 0),
    pci_sriov_set_totalvfs: nothing(WHY, -ENOSYS),
    pci_sriov_configure_simple: nothing(WHY, -ENODEV),
    pci_iov_vf_id: nothing(WHY, -EINVAL),
    pci_iov_virtfn_devfn: nothing(WHY, -EINVAL),
    pci_iov_get_pf_drvdata: nothing(WHY, errPtr(EINVAL)),
  };
}
