// SPDX-License-Identifier: GPL-2.0
/* Reads beyond what it allocated. */
#include <linux/slab.h>
#include "faulty.h"

static void fault(void)
{
	char *p = kzalloc(HIDE((size_t)60), GFP_KERNEL);
	char *q = HIDE(p);
	int i, sum = 0;

	if (!p)
		return;
	for (i = 0; i <= 60; i++)
		sum += !READ_ONCE(q[i]);
	pr_info("faulty_slab_overread: %d bytes read\n", sum ? i : 0);
	kfree(p);
}

FAULTY_MODULE(fault, "reads beyond what it allocated");
