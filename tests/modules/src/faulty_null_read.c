// SPDX-License-Identifier: GPL-2.0
/* Reads a member of a structure at NULL. */
#include "faulty.h"

struct thing {
	long unused[3];
	int number;	/* at 0x18 */
};

static APART int number_of(struct thing *thing)
{
	return thing->number;
}

static void fault(void)
{
	pr_info("faulty_null_read: number %d\n", number_of(HIDE((struct thing *)NULL)));
}

FAULTY_MODULE(fault, "reads a member of a structure at NULL");
