// SPDX-License-Identifier: GPL-2.0
// A driver that leaves work queued that uses what it has freed.
#define FAULT_WORK_LEFT 1
#include "edu.h"
