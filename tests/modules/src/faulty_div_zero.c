// SPDX-License-Identifier: GPL-2.0
/* Divides by zero. */
#include "faulty.h"

static APART int quotient(int a, int b)
{
	return a / b;
}

static void fault(void)
{
	pr_info("faulty_div_zero: %d\n", quotient(100, HIDE(0)));
}

FAULTY_MODULE(fault, "divides by zero");
