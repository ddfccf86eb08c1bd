// SPDX-License-Identifier: GPL-2.0
/* Says WARN_ONCE() three times, of which one is heard. */
#include "faulty.h"

static void fault(void)
{
	int i;

	for (i = 1; i <= 3; i++) {
		WARN_ONCE(HIDE(1), "only the first time: %d\n", i);
		pr_warn_once("faulty_warn_once: this once too, %d\n", i);
		WARN_ON_ONCE(HIDE(1));
	}
}

FAULTY_MODULE(fault, "says WARN_ONCE() three times, of which one is heard");
