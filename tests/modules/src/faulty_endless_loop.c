// SPDX-License-Identifier: GPL-2.0
/* Loops for ever. */
#include "faulty.h"

static volatile int never;

static void fault(void)
{
	while (!never)
		cpu_relax();
}

FAULTY_MODULE(fault, "loops for ever");
