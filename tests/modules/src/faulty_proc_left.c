// SPDX-License-Identifier: GPL-2.0
/* Leaves a file in /proc behind. */
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include "faulty.h"

static int left_show(struct seq_file *m, void *v)
{
	seq_puts(m, "left behind\n");
	return 0;
}

static void fault(void)
{
	proc_create_single("modboxleft", 0444, NULL, left_show);
}

FAULTY_MODULE(fault, "leaves a file in /proc behind");
