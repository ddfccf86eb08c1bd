/* SPDX-License-Identifier: Apache-2.0 */
/* Linked as a shared object, as klds of i386 are: linker sets lie between symbols. */
#include "metadata.h"

MODULE(library, "library", (void *)0, (void *)0);
VERSION(version, "library", 3);
static const unsigned short rows[2][2] = { { 1, 2 }, { 3, 4 } };
PNP(table, "pci", "U16:vendor;U16:device", rows);

extern const void *const start[] __asm__("__start_set_modmetadata_set");
extern const void *const stop[] __asm__("__stop_set_modmetadata_set");
const void *const *const bounds[] = { start, stop };
