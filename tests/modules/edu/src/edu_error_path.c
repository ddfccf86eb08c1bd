// SPDX-License-Identifier: GPL-2.0
// A driver that leaves the BAR mapped where its third allocation fails.
#define FAULT_ERROR_PATH 1
#include "edu.h"
