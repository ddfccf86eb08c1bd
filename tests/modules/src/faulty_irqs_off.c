// SPDX-License-Identifier: GPL-2.0
/* Returns with interrupts disabled. */
#include <linux/irqflags.h>
#include "faulty.h"

static void fault(void)
{
	local_irq_disable();
}

FAULTY_MODULE(fault, "returns with interrupts disabled");
