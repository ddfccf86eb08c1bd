// SPDX-License-Identifier: GPL-2.0
/* Calls an init function after the init memory is gone. */
#include "faulty.h"

static int __init early(void)
{
	return HIDE(42);
}

static int (*late)(void) __refdata = early;

static void fault(void)
{
	pr_info("faulty_use_of_init: %d\n", HIDE(late)());
}

FAULTY_MODULE(fault, "calls an init function after the init memory is gone");
