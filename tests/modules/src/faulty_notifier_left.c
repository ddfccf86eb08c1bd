// SPDX-License-Identifier: GPL-2.0
/* Leaves a module notifier behind. */
#include <linux/notifier.h>
#include "faulty.h"

static int left_call(struct notifier_block *nb, unsigned long state, void *data)
{
	pr_info("faulty_notifier_left: %s, state %lu\n", ((struct module *)data)->name, state);
	return NOTIFY_OK;
}
static struct notifier_block left = { .notifier_call = left_call };

static void fault(void)
{
	register_module_notifier(&left);
}

FAULTY_MODULE(fault, "leaves a module notifier behind");
