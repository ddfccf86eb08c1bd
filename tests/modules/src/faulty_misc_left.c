// SPDX-License-Identifier: GPL-2.0
/* Leaves a misc device behind. */
#include "faulty.h"

static ssize_t left_read(struct file *file, char __user *to, size_t count, loff_t *pos)
{
	return simple_read_from_buffer(to, count, pos, "left behind\n", 12);
}

static const struct file_operations left_fops = { .owner = THIS_MODULE, .read = left_read };
static struct miscdevice left = { .minor = MISC_DYNAMIC_MINOR, .name = "modboxleft", .fops = &left_fops };

static void fault(void)
{
	misc_register(&left);
}

FAULTY_MODULE(fault, "leaves a misc device behind");
