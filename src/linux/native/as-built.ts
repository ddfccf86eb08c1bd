/** What is read from ACPI tables, or done once they were. */
const NO_TABLES: readonly string[] =
  'acpi_gbl_FADT acpi_gbl_root_table_list acpi_disabled first_ec boot_ec acpi_root acpi_gbl_original_dsdt_header acpi_gbl_DSDT acpi_gbl_FACS acpi_sci_irq acpi_irq_handler acpi_gbl_enable_interpreter_slack acpi_permanent_mmap acpi_gbl_truncate_io_addresses acpi_gbl_namespace_initialized acpi_gbl_global_lock_pending __acpi_register_gsi __acpi_unregister_gsi mp_irqs mp_irq_entries acpi_os_initialized raw_pci_ops raw_pci_ext_ops acpi_lapic acpi_ioapic acpi_irq_model acpi_dep_list'.split(
    ' ',
  );

/**
 * Variables that code run at boot sets on a real machine and that are right here as the image has them, each with what makes it so.
 * One place for all that is said of the machine rather than found in the image.
 */
export const AS_BUILT: ReadonlyMap<string, string> = new Map([
  ...NO_TABLES.map((name): [string, string] => [name, 'there are no ACPI tables']),
  [
    'security_hook_heads',
    'no security module is stacked: with no hook, each call of one answers as its default does',
  ],
  ['audit_enabled', 'the command line says nothing of auditing, and no daemon is there who turns it on'],
  ['lsm_file_cache', 'no security module is stacked that keeps anything of files'],
  ['lsm_inode_cache', 'no security module is stacked that keeps anything of inodes'],
  ['panic_notifier_list', 'who is to be told of a panic nobody goes by before one'],
  ['panic_cpu', 'no processor panics, until one does and nothing else runs'],
  ['x86_pmu', 'the processor has no performance monitoring unit'],
  ['l1tf_mitigation', 'the processor does not have that fault'],
  ['ioapic_is_disabled', 'the command line says nothing of I/O APICs'],
  ['blob_sizes', 'no security module is stacked that keeps anything of objects'],
  ['smp_ops', 'a machine that is no guest of a hypervisor keeps the operations that it begins with'],
  ['x86_platform', 'a machine that is no guest keeps the operations that it begins with'],
  ['efi', 'the machine was not started by EFI firmware'],
  ['boot_params', 'no boot loader handed anything over'],
  ['nr_ioapics', 'no table tells of an I/O APIC'],
  ['ioapics', 'no table tells of an I/O APIC'],
  ['mp_bus_not_pci', 'no table tells of a bus'],
  ['legacy_pic', 'the interrupt controller is what it is where no table tells'],
  ['hpet_address', 'no table tells of a HPET'],
  ['hpet_virt_address', 'no table tells of a HPET'],
  ['boot_hpet_disable', 'no table tells of a HPET'],
  ['hpet_legacy_int_enabled', 'no table tells of a HPET'],
  ['dma_ops', 'no IOMMU stands between devices and memory'],
  ['amd_iommu_present', 'no IOMMU is there'],
  ['amd_iommus', 'no IOMMU is there'],
  ['amd_iommus_present', 'no IOMMU is there'],
  ['amd_iommu_v2_present', 'no IOMMU is there'],
  ['amd_iommu_pc_present', 'no IOMMU is there'],
  ['amd_iommu_guest_ir', 'no IOMMU is there'],
  ['amd_iommu_list', 'no IOMMU is there'],
  ['amd_iommu_pci_seg_list', 'no IOMMU is there'],
  ['amd_iommu_max_glx_val', 'no IOMMU is there'],
  ['acpihid_map', 'no IOMMU is there'],
  ['remap_ops', 'no IOMMU remaps interrupts'],
  ['protection_map', 'memory is not encrypted'],
  ['numa_meminfo', 'the machine has one node'],
  ['edid_info', 'no firmware told of a screen'],
  ['arch_set_vga_state', 'no chipset decides who has the legacy VGA range'],
  ['art_to_tsc_offset', 'the processor has no always running timer'],
  ['art_to_tsc_numerator', 'the processor has no always running timer'],
  ['art_to_tsc_denominator', 'the processor has no always running timer'],
  ['pvti_cpu0_va', 'no hypervisor keeps a clock'],
  ['pcie_ports_native', 'the command line says nothing of PCI Express services'],
  ['pcie_ports_disabled', 'the command line says nothing of PCI Express services'],
  ['efi_setup', 'no kernel before this one handed anything over'],
  ['pci_acs_enable', 'nobody asks for access control services: no IOMMU stands between devices'],
  ['pcibios_disable_irq', 'nobody gives PCI devices other interrupts than they say'],
  ['pcie_bus_config', 'the command line says nothing of the size of transfers'],
  ['nop_mnt_idmap', 'the identity of users is a constant: it is only asked whether something is it'],
  [
    'root_mem_cgroup',
    'the controller of memory is off: whoever asks whether it is does not look at its root',
  ],
  ['int_active_memcg', 'as root_mem_cgroup: nothing is charged to anybody'],
  ['ima_appraise', 'no policy asks for files to be appraised'],
  ['ima_kexec_buffer_phys', 'no other kernel ran before'],
  ['ima_kexec_buffer_size', 'no other kernel ran before'],
  ['ptrs_per_p4d', 'page tables have four levels'],
  ['pgdir_shift', 'page tables have four levels'],
  ['__pgtable_l5_enabled', 'page tables have four levels'],
  ['sme_me_mask', 'no memory is encrypted'],
  ['part_type', 'a table that nothing changes: it is only asked whether a device is of that type'],
  ['static_calls_table', 'as security_hook_heads, where hooks are static calls'],
]);

/** Boot code that only runs as the guest of a hypervisor: the machine is no guest of any. */
export const ABSENT_HYPERVISORS =
  /^(startup_xen|xen_|pci_xen_|kvm_(apic|guest|smp)_|hv_|hyperv_|ms_hyperv_|vmware_|acrn_|jailhouse_)/;

/** What boot code without callers takes that is only called for a table of the firmware, or by a board that is no PC: there are no ACPI and no DMI tables. */
export const ABSENT_TABLES: ReadonlySet<string> = new Set([
  'acpi_table_header',
  'acpi_subtable_header',
  'acpi_subtable_headers',
  'dmi_header',
  'dmi_system_id',
  'uart_port',
]);
