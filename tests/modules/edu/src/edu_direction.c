// SPDX-License-Identifier: GPL-2.0
// A driver that maps memory for the wrong direction.
#define FAULT_DIRECTION 1
#include "edu.h"
