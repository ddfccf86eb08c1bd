// SPDX-License-Identifier: GPL-2.0
/* Frees what was never allocated. */
#include <linux/slab.h>
#include "faulty.h"

static char not_allocated[4096] __aligned(4096);

static void fault(void)
{
	kfree(HIDE((char *)not_allocated));
}

FAULTY_MODULE(fault, "frees what was never allocated");
