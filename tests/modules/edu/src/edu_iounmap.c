// SPDX-License-Identifier: GPL-2.0
// A driver that does not unmap the BAR when it is removed.
#define FAULT_IOUNMAP 1
#include "edu.h"
