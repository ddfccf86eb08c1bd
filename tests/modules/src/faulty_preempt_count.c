// SPDX-License-Identifier: GPL-2.0
/* Returns with preemption disabled. */
#include <linux/preempt.h>
#include "faulty.h"

static void fault(void)
{
	preempt_disable();
}

FAULTY_MODULE(fault, "returns with preemption disabled");
