// SPDX-License-Identifier: GPL-2.0
/* Writes one byte beyond what it allocated. */
#include <linux/slab.h>
#include "faulty.h"

static void fault(void)
{
	char *p = kmalloc(HIDE((size_t)100), GFP_KERNEL);
	char *q = HIDE(p);

	if (!p)
		return;
	WRITE_ONCE(q[100], 'X');
	kfree(p);
}

FAULTY_MODULE(fault, "writes one byte beyond what it allocated");
