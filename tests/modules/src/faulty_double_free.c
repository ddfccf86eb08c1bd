// SPDX-License-Identifier: GPL-2.0
/* Frees memory twice. */
#include <linux/slab.h>
#include "faulty.h"

static void fault(void)
{
	char *p = kmalloc(HIDE((size_t)100), GFP_KERNEL);
	char *q = HIDE(p);

	kfree(p);
	kfree(q);
}

FAULTY_MODULE(fault, "frees memory twice");
