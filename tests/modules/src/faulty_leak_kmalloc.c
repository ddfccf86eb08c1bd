// SPDX-License-Identifier: GPL-2.0
/* Forgets memory from kmalloc. */
#include <linux/slab.h>
#include "faulty.h"

static APART void *forgetful(size_t size)
{
	return kmalloc(size, GFP_KERNEL);
}

static void fault(void)
{
	int i;

	for (i = 0; i < 5; i++)
		forgetful(HIDE((size_t)1000));
	forgetful(HIDE((size_t)64));
}

FAULTY_MODULE(fault, "forgets memory from kmalloc");
