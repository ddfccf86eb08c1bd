// SPDX-License-Identifier: GPL-2.0
/* Reads memory after freeing it. */
#include <linux/slab.h>
#include "faulty.h"

static void fault(void)
{
	int *p = kmalloc(HIDE((size_t)100), GFP_KERNEL);
	int *q = HIDE(p);

	p[8] = 1;
	kfree(p);
	pr_info("faulty_uaf_read: %s\n", READ_ONCE(q[8]) == 1 ? "still there" : "changed");
}

FAULTY_MODULE(fault, "reads memory after freeing it");
