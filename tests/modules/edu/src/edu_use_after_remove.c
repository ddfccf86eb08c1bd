// SPDX-License-Identifier: GPL-2.0
// A driver that frees what open files still use.
#define FAULT_USE_AFTER_REMOVE 1
#include "edu.h"
