// SPDX-License-Identifier: GPL-2.0
/* Recurses until the stack is used up. */
#include "faulty.h"

#pragma GCC diagnostic ignored "-Winfinite-recursion"
static APART int deeper(int n)
{
	volatile char frame[512];

	frame[0] = n;
	return deeper(n + 1) + frame[0];
}

static void fault(void)
{
	pr_info("faulty_stack_overflow: %d\n", deeper(0));
}

FAULTY_MODULE(fault, "recurses until the stack is used up");
