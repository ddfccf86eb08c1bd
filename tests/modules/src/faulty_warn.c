// SPDX-License-Identifier: GPL-2.0
/* Says WARN() three times and continues. */
#include "faulty.h"

static void fault(void)
{
	int i;

	for (i = 1; i <= 3; i++)
		WARN(HIDE(1), "something is odd, time %d\n", i);
	pr_info("faulty_warn: WARN_ON gives %d\n", (int)WARN_ON(HIDE(2)));
}

FAULTY_MODULE(fault, "says WARN() three times and continues");
