// SPDX-License-Identifier: GPL-2.0
/* Executes an undefined instruction. */
#include "faulty.h"

static void fault(void)
{
	asm volatile("ud2");
	unreachable();
}

FAULTY_MODULE(fault, "executes an undefined instruction");
