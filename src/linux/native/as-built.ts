/**
 * Variables that code run at boot sets on a real machine and that are right here as the image has them, each with what makes it so.
 * One place for all that is said of the machine rather than found in the image.
 */
export const AS_BUILT: ReadonlyMap<string, string> = new Map([
  [
    'security_hook_heads',
    'no security module is stacked: with no hook, each call of one answers as its default does',
  ],
  ['smp_ops', 'a machine that is no guest of a hypervisor keeps the operations that it begins with'],
  ['nop_mnt_idmap', 'the identity of users is a constant: it is only asked whether something is it'],
  ['root_mem_cgroup', 'the controller of memory is off: whoever asks whether it is does not look at its root'],
  ['int_active_memcg', 'as root_mem_cgroup: nothing is charged to anybody'],
  ['part_type', 'a table that nothing changes: it is only asked whether a device is of that type'],
  ['static_calls_table', 'as security_hook_heads, where hooks are static calls'],
]);

/** Boot code that only runs as the guest of a hypervisor: the machine is no guest of any. */
export const ABSENT_HYPERVISORS =
  /^(startup_xen|xen_|pci_xen_|kvm_(apic|guest|smp)_|hv_|hyperv_|ms_hyperv_|vmware_|acrn_|jailhouse_)/;

/** What boot code without callers takes that is only called for a table of the firmware: there are no ACPI and no DMI tables. */
export const ABSENT_TABLES: ReadonlySet<string> = new Set([
  'acpi_table_header',
  'acpi_subtable_header',
  'acpi_subtable_headers',
  'dmi_header',
  'dmi_system_id',
]);
