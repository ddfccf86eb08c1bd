// SPDX-License-Identifier: GPL-2.0
/* Writes before what it allocated. */
#include <linux/slab.h>
#include "faulty.h"

static void fault(void)
{
	u64 *p = kmalloc(HIDE((size_t)128), GFP_KERNEL);
	u64 *q = HIDE(p);

	if (!p)
		return;
	WRITE_ONCE(q[-1], 0);
	kfree(p);
}

FAULTY_MODULE(fault, "writes before what it allocated");
