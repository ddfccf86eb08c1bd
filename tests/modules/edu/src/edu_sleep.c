// SPDX-License-Identifier: GPL-2.0
// A driver that sleeps in its interrupt handler.
#define FAULT_SLEEP 1
#include "edu.h"
