// SPDX-License-Identifier: GPL-2.0
/* Forgets memory from vmalloc. */
#include <linux/vmalloc.h>
#include "faulty.h"

static void fault(void)
{
	vmalloc(10 * PAGE_SIZE);
}

FAULTY_MODULE(fault, "forgets memory from vmalloc");
