/* SPDX-License-Identifier: Apache-2.0 */
/* A module that drives nothing. */
#include "metadata.h"

MODULE(plain, "plain", (void *)0, (void *)0);
VERSION(version, "plain", 1);
DEPEND(on_devices, "devices", 2, 7, 9);
