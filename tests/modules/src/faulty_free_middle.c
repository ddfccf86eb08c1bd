// SPDX-License-Identifier: GPL-2.0
/* Frees a pointer into the middle of what was allocated. */
#include <linux/slab.h>
#include "faulty.h"

static void fault(void)
{
	char *p = kmalloc(HIDE((size_t)100), GFP_KERNEL);

	kfree(HIDE(p + 24));
}

FAULTY_MODULE(fault, "frees a pointer into the middle of what was allocated");
