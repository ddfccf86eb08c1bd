import type { SubsystemClass } from '../subsystem.js';
import { AcpiBus } from './acpi/acpi-bus.js';
import { AcpiNamespace } from './acpi/acpi-namespace.js';
import { AcpiAddressSpaces } from './acpi/address-spaces.js';
import { Ghes } from './acpi/ghes.js';
import { AuxiliaryBus } from './auxiliary/auxiliary-bus.js';
import { DRIVER_CORE_SUBSYSTEMS } from './base/index.js';
import { ManagedMappings } from './base/ioremap-devres.js';
import { Clocks } from './clk/no-clocks.js';
import { Connector } from './connector/connector.js';
import { CpuFreqDrivers } from './cpufreq/driver.js';
import { CpuFreqGovernors } from './cpufreq/governors.js';
import { CpuFreqNotifiers } from './cpufreq/notifiers.js';
import { DevfreqGovernors } from './devfreq/governors.js';
import { DmaDebug } from './dma/dma-debug.js';
import { DmaEngine } from './dma/dma-engine.js';
import { DmaMapping } from './dma/dma-mapping.js';
import { DmaPools } from './dma/dma-pool.js';
import { IovaCache } from './dma/iova.js';
import { Dmi } from './dmi/dmi.js';
import { Edac } from './edac/edac.js';
import { EfiVariables } from './firmware/efi.js';
import { FirmwareMatch } from './firmware/match.js';
import { DeviceProperties } from './firmware/property.js';
import { SoftwareNodes } from './firmware/software-node.js';
import { LegacyGpio } from './gpio/legacy.js';
import { GpioLookup } from './gpio/lookup.js';
import { Hwmon } from './hwmon/hwmon.js';
import { I2cAdapters } from './i2c/i2c-adapter.js';
import { I2cBus } from './i2c/i2c-bus.js';
import { I2cClients } from './i2c/i2c-client.js';
import { I2cDetection } from './i2c/i2c-detect.js';
import { I2cDrivers } from './i2c/i2c-driver.js';
import { I2cIdentity } from './i2c/i2c-identity.js';
import { I2cLocks } from './i2c/i2c-lock.js';
import { I2cRecovery } from './i2c/i2c-recovery.js';
import { I2cSmbus } from './i2c/i2c-smbus.js';
import { I2cTransfers } from './i2c/i2c-transfer.js';
import { InputCore } from './input/input-core.js';
import { InputEvents } from './input/input-events.js';
import { InputHandlers } from './input/input-handlers.js';
import { LedActivityTriggers } from './leds/activity-triggers.js';
import { LedBlinking } from './leds/led-blinking.js';
import { LedBrightness } from './leds/led-brightness.js';
import { LedClass } from './leds/led-class.js';
import { LedTriggers } from './leds/led-trigger.js';
import { NvmemCore } from './nvmem/nvmem-core.js';
import { PciAccess } from './pci/access.js';
import { PciCapabilities } from './pci/capabilities.js';
import { PciEnabling } from './pci/enable.js';
import { PciExpress } from './pci/express.js';
import { PciIomap } from './pci/iomap.js';
import { PciIov } from './pci/iov.js';
import { PciLinks } from './pci/links.js';
import { PciManaged } from './pci/managed.js';
import { PciMsi } from './pci/msi.js';
import { PciMsiUsers } from './pci/msi-users.js';
import { MsiVectors } from './pci/msi-vectors.js';
import { PciBus } from './pci/pci-bus.js';
import { PciDevres } from './pci/pci-devres.js';
import { PciDrivers } from './pci/pci-driver.js';
import { PciSearch } from './pci/pci-search.js';
import { PciX } from './pci/pcix.js';
import { PciPower } from './pci/power.js';
import { PciProbe } from './pci/probe.js';
import { PciRegions } from './pci/regions.js';
import { PciReset } from './pci/reset.js';
import { PciRom } from './pci/rom.js';
import { PciSavedState } from './pci/saved-state.js';
import { PciSetupResources } from './pci/setup-res.js';
import { MachineDevices } from './platform/machine-devices.js';
import { PlatformBus } from './platform/platform-bus.js';
import { PlatformDevices } from './platform/platform-device.js';
import { PlatformDrivers } from './platform/platform-driver.js';
import { PlatformResources } from './platform/platform-resources.js';
import { PnpBus } from './pnp/pnp-bus.js';
import { RegmapFields } from './regmap/fields.js';
import { RegmapMaking } from './regmap/making.js';
import { Regcaches } from './regmap/regcache.js';
import { Regmaps } from './regmap/regmap.js';
import { DummyRegulators } from './regulator/dummy.js';
import { Resources } from './resource/resource.js';
import { SignatureCheck } from './resource/signature.js';
import { I8042 } from './serio/i8042.js';
import { SerioBus } from './serio/serio-bus.js';
import { HardwareRandom } from './small/hardware-random.js';
import { IsaBus } from './small/isa-bus.js';
import { EmptyBuses } from './small/register-buses.js';
import { SpiBus } from './spi/spi-bus.js';
import { SpiTransfers } from './spi/spi-transfer.js';
import { BaudRates } from './tty/baud-rates.js';
import { LineDisciplines } from './tty/line-discipline.js';
import { SerialCore } from './tty/serial-core.js';
import { TtyDrivers } from './tty/tty-driver.js';
import { TtyPorts } from './tty/tty-port.js';
import { VirtualConsole } from './tty/virtual-console.js';
import { Apertures } from './video/aperture.js';
import { Backlights } from './video/backlight.js';
import { VideoOptions } from './video/boot-options.js';
import { FramebufferInfo } from './video/fb-info.js';
import { VirtioMemoryAccess } from './virtio/memory-access.js';
import { VirtioBus } from './virtio/virtio-bus.js';
import { Xenbus } from './xen/xenbus.js';

/** The driver model and the buses and classes that are built into the kernel, in boot order. */
export const DRIVER_SUBSYSTEMS: readonly SubsystemClass[] = [
  ...DRIVER_CORE_SUBSYSTEMS,
  Resources,
  ManagedMappings,
  FirmwareMatch,
  SoftwareNodes,
  DeviceProperties,
  Dmi,
  PlatformBus,
  PlatformDevices,
  PlatformDrivers,
  PlatformResources,
  AuxiliaryBus,
  AcpiBus,
  AcpiNamespace,
  Ghes,
  AcpiAddressSpaces,
  PnpBus,
  PciBus,
  PciDrivers,
  PciSearch,
  PciAccess,
  PciCapabilities,
  PciManaged,
  PciPower,
  PciLinks,
  PciEnabling,
  PciRegions,
  PciIomap,
  PciDevres,
  PciExpress,
  PciX,
  MsiVectors,
  PciMsi,
  PciMsiUsers,
  PciSavedState,
  PciIov,
  PciRom,
  PciSetupResources,
  PciReset,
  PciProbe,
  I2cBus,
  I2cLocks,
  I2cTransfers,
  I2cSmbus,
  I2cClients,
  I2cDetection,
  I2cRecovery,
  I2cIdentity,
  I2cAdapters,
  I2cDrivers,
  SpiBus,
  SpiTransfers,
  VirtioBus,
  VirtioMemoryAccess,
  SerioBus,
  EmptyBuses,
  HardwareRandom,
  IsaBus,
  LedTriggers,
  LedActivityTriggers,
  LedBrightness,
  LedBlinking,
  LedClass,
  Xenbus,
  InputHandlers,
  InputCore,
  InputEvents,
  TtyDrivers,
  TtyPorts,
  BaudRates,
  LineDisciplines,
  Connector,
  CpuFreqGovernors,
  CpuFreqNotifiers,
  DmaEngine,
  DmaDebug,
  DmaMapping,
  DmaPools,
  IovaCache,
  Edac,
  GpioLookup,
  LegacyGpio,
  RegmapMaking,
  Regmaps,
  Regcaches,
  RegmapFields,
  DummyRegulators,
  Clocks,
  Backlights,
  Apertures,
  FramebufferInfo,
  VideoOptions,
  DevfreqGovernors,
  Hwmon,
  I8042,
  SerialCore,
  VirtualConsole,
  CpuFreqDrivers,
  EfiVariables,
  NvmemCore,
  SignatureCheck,
  MachineDevices,
];
