// SPDX-License-Identifier: GPL-2.0
/* Leaves delayed work behind that runs in unloaded code. */
#include <linux/workqueue.h>
#include "faulty.h"

static void work_run(struct work_struct *work);
static DECLARE_DELAYED_WORK(work, work_run);

static void work_run(struct work_struct *w)
{
	schedule_delayed_work(&work, HZ / 2);
}

static void fault(void)
{
	schedule_delayed_work(&work, HZ / 2);
}

FAULTY_MODULE(fault, "leaves delayed work behind that runs in unloaded code");
