// SPDX-License-Identifier: GPL-2.0
/* Drops a reference to itself that it does not have. */
#include "faulty.h"

static void fault(void)
{
	module_put(THIS_MODULE);
	module_put(THIS_MODULE);
}

FAULTY_MODULE(fault, "drops a reference to itself that it does not have");
