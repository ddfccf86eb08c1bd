// SPDX-License-Identifier: GPL-2.0
// A driver that leaves its interrupt handler.
#define FAULT_IRQ_LEFT 1
#include "edu.h"
