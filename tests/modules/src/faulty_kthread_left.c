// SPDX-License-Identifier: GPL-2.0
/* Leaves without waiting for its thread, which goes on in unloaded code. */
#include <linux/kthread.h>
#include <linux/sched.h>
#include "faulty.h"

static int left_main(void *data)
{
	for (;;) {
		schedule_timeout_idle(HZ / 5);
		pr_info_once("faulty_kthread_left: the thread runs\n");
	}
	return 0;
}

static void fault(void)
{
	kthread_run(left_main, NULL, "left-behind");
}

FAULTY_MODULE(fault, "leaves without waiting for its thread, which goes on in unloaded code");
