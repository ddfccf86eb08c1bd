// SPDX-License-Identifier: GPL-2.0
/* Reads an address that x86-64 cannot have. */
#include "faulty.h"

static void fault(void)
{
	unsigned long *p = HIDE((unsigned long *)0x6b6b6b6b6b6b6b6bUL);

	pr_info("faulty_noncanonical: %lx\n", READ_ONCE(*p));
}

FAULTY_MODULE(fault, "reads an address that x86-64 cannot have");
