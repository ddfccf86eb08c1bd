// SPDX-License-Identifier: GPL-2.0
/* Waits for what never comes. */
#include <linux/completion.h>
#include "faulty.h"

static DECLARE_COMPLETION(never);

static void fault(void)
{
	wait_for_completion(&never);
}

FAULTY_MODULE(fault, "waits for what never comes");
