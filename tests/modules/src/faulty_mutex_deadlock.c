// SPDX-License-Identifier: GPL-2.0
/* Locks a mutex that it holds. */
#include <linux/mutex.h>
#include "faulty.h"

static DEFINE_MUTEX(lock);

static void fault(void)
{
	mutex_lock(&lock);
	mutex_lock(&lock);
	mutex_unlock(&lock);
}

FAULTY_MODULE(fault, "locks a mutex that it holds");
