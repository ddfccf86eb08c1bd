// SPDX-License-Identifier: GPL-2.0
/* Writes beyond what it got from vmalloc, into the guard page. */
#include <linux/vmalloc.h>
#include "faulty.h"

static void fault(void)
{
	char *p = HIDE((char *)vmalloc(PAGE_SIZE));

	p[PAGE_SIZE] = 'X';
	vfree(p);
}

FAULTY_MODULE(fault, "writes beyond what it got from vmalloc, into the guard page");
