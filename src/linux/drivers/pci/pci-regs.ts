/** Registers of a PCI device's configuration space (include/uapi/linux/pci_regs.h). */
export const PCI_VENDOR_ID = 0x00;
export const PCI_COMMAND = 0x04;
export const COMMAND_IO = 0x1;
export const COMMAND_MEMORY = 0x2;
export const COMMAND_MASTER = 0x4;
export const COMMAND_INVALIDATE = 0x10;
export const COMMAND_INTX_DISABLE = 0x400;
export const PCI_STATUS = 0x06;
export const STATUS_INTERRUPT = 0x08;
export const STATUS_CAP_LIST = 0x10;
/** What a device notes of errors; a bit that is written goes. */
export const STATUS_ERROR_BITS = 0xf900;
export const PCI_CLASS_REVISION = 0x08;
export const PCI_CACHE_LINE_SIZE = 0x0c;
export const PCI_HEADER_TYPE = 0x0e;
export const PCI_BASE_ADDRESS_0 = 0x10;
export const PCI_SUBSYSTEM_VENDOR_ID = 0x2c;
export const PCI_SUBSYSTEM_ID = 0x2e;
export const PCI_ROM_ADDRESS = 0x30;
export const ROM_ADDRESS_ENABLE = 1;
export const PCI_CAPABILITY_LIST = 0x34;
export const PCI_CB_CAPABILITY_LIST = 0x14;
export const PCI_INTERRUPT_LINE = 0x3c;
export const PCI_INTERRUPT_PIN = 0x3d;

/** Bits of a base address register. */
export const BASE_ADDRESS_IO = 0x1;
export const BASE_ADDRESS_64 = 0x4;
export const BASE_ADDRESS_PREFETCH = 0x8;

export const CAP_ID_PM = 0x01;
export const CAP_ID_MSI = 0x05;
export const CAP_ID_PCIX = 0x07;
export const CAP_ID_EXP = 0x10;
export const CAP_ID_MSIX = 0x11;

/** Power management: capabilities, and control and status. */
export const PM_PMC = 2;
export const PMC_D1 = 0x200;
export const PMC_D2 = 0x400;
export const PMC_PME_SHIFT = 11;
export const PM_CTRL = 4;
export const PM_STATE_MASK = 3;
export const PM_NO_SOFT_RESET = 8;
export const PM_PME_ENABLE = 0x100;
export const PM_PME_STATUS = 0x8000;

/** Message-signalled interrupts. */
export const MSI_FLAGS = 2;
export const MSI_ENABLE = 1;
export const MSI_64BIT = 0x80;
export const MSI_MASKBIT = 0x100;
export const MSIX_TABLE = 4;
export const MSIX_ENABLE = 0x8000;
export const MSIX_MASKALL = 0x4000;
export const MSIX_ENTRY_SIZE = 16;

/** PCI Express. */
export const EXP_FLAGS = 2;
export const EXP_FLAGS_SLOT = 0x100;
export const EXP_DEVCAP = 4;
export const EXP_DEVCAP_FLR = 0x1000_0000;
export const EXP_DEVCTL = 8;
export const DEVCTL_RELAX_EN = 0x10;
export const DEVCTL_PAYLOAD = 0xe0;
export const DEVCTL_READRQ = 0x7000;
export const DEVCTL_BCR_FLR = 0x8000;
export const EXP_DEVSTA = 0xa;
export const DEVSTA_TRPND = 0x20;
export const EXP_LNKCTL = 0x10;
export const EXP_SLTCTL = 0x18;
export const EXP_SLTSTA = 0x1a;
export const EXP_SLTSTA_PDS = 0x40;
export const EXP_RTCTL = 0x1c;
export const EXP_DEVCTL2 = 0x28;
export const EXP_LNKCTL2 = 0x30;
export const EXP_SLTCTL2 = 0x38;

/** pci_power_t */
export const PCI_D0 = 0;
export const PCI_D1 = 1;
export const PCI_D2 = 2;
export const PCI_D3HOT = 3;
export const PCI_D3COLD = 4;
export const PCI_UNKNOWN = 5;
