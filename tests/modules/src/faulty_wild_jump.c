// SPDX-License-Identifier: GPL-2.0
/* Calls a function pointer that holds garbage. */
#include "faulty.h"

static void fault(void)
{
	void (*fn)(void) = HIDE((void (*)(void))0xffff800000001230UL);

	fn();
}

FAULTY_MODULE(fault, "calls a function pointer that holds garbage");
