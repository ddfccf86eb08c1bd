// SPDX-License-Identifier: GPL-2.0
/* Leaves a kobject with an attribute behind. */
#include <linux/kobject.h>
#include <linux/sysfs.h>
#include "faulty.h"

static ssize_t left_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "left behind\n");
}
static struct kobj_attribute left_attr = __ATTR_RO(left);

static void fault(void)
{
	struct kobject *kobj = kobject_create_and_add("modboxleft", kernel_kobj);

	if (kobj && sysfs_create_file(kobj, &left_attr.attr))
		kobject_put(kobj);
}

FAULTY_MODULE(fault, "leaves a kobject with an attribute behind");
