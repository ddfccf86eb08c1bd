// SPDX-License-Identifier: GPL-2.0
/* Deletes a list entry twice. */
#include <linux/list.h>
#include "faulty.h"

static LIST_HEAD(head);
static struct list_head entry;

static void fault(void)
{
	list_add(&entry, &head);
	list_del(&entry);
	list_del(&entry);
}

FAULTY_MODULE(fault, "deletes a list entry twice");
