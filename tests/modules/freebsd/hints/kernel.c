/* SPDX-License-Identifier: Apache-2.0 */
/* Linked as a kernel is: at its address in the uppermost 2 GiB, with a table of dynamic symbols. */
#include "metadata.h"

MODULE(first, "first", (void *)0, (void *)0);
VERSION(kernel_version, "kernel", 1402000);
VERSION(pci_version, "pci", 1);

extern const void *const start[] __asm__("__start_set_modmetadata_set");
extern const void *const stop[] __asm__("__stop_set_modmetadata_set");
const void *const *const bounds[] = { start, stop };
void btext(void) {}
