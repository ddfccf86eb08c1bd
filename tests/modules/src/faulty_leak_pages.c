// SPDX-License-Identifier: GPL-2.0
/* Forgets pages. */
#include <linux/gfp.h>
#include "faulty.h"

static void fault(void)
{
	__get_free_pages(GFP_KERNEL, 2);
}

FAULTY_MODULE(fault, "forgets pages");
