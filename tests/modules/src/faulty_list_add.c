// SPDX-License-Identifier: GPL-2.0
/* Adds a list entry twice. */
#include <linux/list.h>
#include "faulty.h"

static LIST_HEAD(head);
static struct list_head entry;

static void fault(void)
{
	list_add(&entry, &head);
	list_add(&entry, &head);
	pr_info("faulty_list_add: the list is %s\n", entry.next == &entry ? "a loop" : "whole");
}

FAULTY_MODULE(fault, "adds a list entry twice");
