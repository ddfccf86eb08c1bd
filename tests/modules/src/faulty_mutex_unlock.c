// SPDX-License-Identifier: GPL-2.0
/* Unlocks a mutex that nobody holds. */
#include <linux/mutex.h>
#include "faulty.h"

static DEFINE_MUTEX(lock);

static void fault(void)
{
	mutex_unlock(&lock);
}

FAULTY_MODULE(fault, "unlocks a mutex that nobody holds");
