// SPDX-License-Identifier: GPL-2.0
/* Writes to memory after freeing it. */
#include <linux/slab.h>
#include "faulty.h"

static void fault(void)
{
	int *p = kmalloc(HIDE((size_t)100), GFP_KERNEL);
	int *q = HIDE(p);

	kfree(p);
	WRITE_ONCE(q[9], 0x41414141);
}

FAULTY_MODULE(fault, "writes to memory after freeing it");
