// SPDX-License-Identifier: GPL-2.0
// A driver that frees its data twice when the device goes.
#define FAULT_DOUBLE_FREE 1
#include "edu.h"
