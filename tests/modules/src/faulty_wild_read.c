// SPDX-License-Identifier: GPL-2.0
/* Reads a kernel address at which nothing is. */
#include "faulty.h"

static void fault(void)
{
	unsigned long *p = HIDE((unsigned long *)0xffff800000123458UL);	/* below the direct map: a guard hole */

	pr_info("faulty_wild_read: %lx\n", READ_ONCE(*p));
}

FAULTY_MODULE(fault, "reads a kernel address at which nothing is");
