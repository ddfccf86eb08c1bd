// SPDX-License-Identifier: GPL-2.0
// A driver that reads behind the BAR.
#define FAULT_PAST_BAR 1
#include "edu.h"
