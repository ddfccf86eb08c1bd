// SPDX-License-Identifier: GPL-2.0
// A driver that leaves its vectors on.
#define FAULT_MSI_LEFT 1
#include "edu.h"
