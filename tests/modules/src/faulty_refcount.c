// SPDX-License-Identifier: GPL-2.0
/* Drops a reference more than it took. */
#include <linux/refcount.h>
#include "faulty.h"

static refcount_t references = REFCOUNT_INIT(1);

static void fault(void)
{
	int i;

	for (i = 1; i <= 2; i++)
		pr_info("faulty_refcount: put %d, last %d\n", i, refcount_dec_and_test(&references));
	refcount_inc(&references);
	pr_info("faulty_refcount: %#x\n", refcount_read(&references));
}

FAULTY_MODULE(fault, "drops a reference more than it took");
