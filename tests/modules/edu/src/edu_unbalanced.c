// SPDX-License-Identifier: GPL-2.0
// A driver that disables the device twice.
#define FAULT_UNBALANCED 1
#include "edu.h"
