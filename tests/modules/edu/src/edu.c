// SPDX-License-Identifier: GPL-2.0
// The driver without a fault.
#include "edu.h"
