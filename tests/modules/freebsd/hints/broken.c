/* SPDX-License-Identifier: Apache-2.0 */
/* A module whose description of its devices is none, and metadata of a kind that there is not. */
#include "metadata.h"

MODULE(broken, "broken", (void *)0, (void *)0);
static const unsigned short rows[2] = { 1, 2 };
static const struct mod_depend nothing = { 1, 2, 3 };
METADATA(nothing, 9, &nothing, "nothing");
PNP(table, "pci", "U16:vendor;X16:device", rows);
