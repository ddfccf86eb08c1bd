// SPDX-License-Identifier: GPL-2.0
/* Calls a function pointer that is NULL. */
#include "faulty.h"

struct ops {
	int (*start)(int n);
	int (*stop)(int n);
};
static struct ops ops;

static void fault(void)
{
	struct ops *p = HIDE(&ops);

	pr_info("faulty_call_null: %d\n", p->stop(1));
}

FAULTY_MODULE(fault, "calls a function pointer that is NULL");
