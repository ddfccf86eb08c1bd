// SPDX-License-Identifier: GPL-2.0
/* Writes beyond an array on the stack. */
#include "faulty.h"

static APART void fill(char *p, int n)
{
	while (n--)
		*p++ = 'A';
}

static APART void victim(int n)
{
	char small[16];

	fill(small, n);
	pr_info("faulty_stack_smash: %.4s\n", small);
}

static void fault(void)
{
	victim(HIDE(40));
}

FAULTY_MODULE(fault, "writes beyond an array on the stack");
