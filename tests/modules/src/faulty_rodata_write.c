// SPDX-License-Identifier: GPL-2.0
/* Writes to a constant. */
#include "faulty.h"

static const char constant[64] = "do not write here";

static void fault(void)
{
	char *p = HIDE((char *)constant);

	p[3] = 'X';
	pr_info("faulty_rodata_write: %s\n", p);
}

FAULTY_MODULE(fault, "writes to a constant");
