// SPDX-License-Identifier: GPL-2.0
// A driver that leaves coherent memory mapped.
#define FAULT_DMA_LEFT 1
#include "edu.h"
