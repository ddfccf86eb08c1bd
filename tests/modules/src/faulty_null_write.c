// SPDX-License-Identifier: GPL-2.0
/* Writes to NULL. */
#include "faulty.h"

static APART void store(int *to)
{
	*to = 42;
}

static void fault(void)
{
	store(HIDE((int *)NULL));
}

FAULTY_MODULE(fault, "writes to NULL");
