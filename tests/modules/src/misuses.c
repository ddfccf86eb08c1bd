// SPDX-License-Identifier: GPL-2.0
// Misuses of interfaces that the kernel answers with a word in its log, an error or a BUG; one a mode.
#include <linux/delay.h>
#include <linux/device.h>
#include <linux/idr.h>
#include <linux/kobject.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/sched.h>
#include <linux/sched/task.h>
#include <linux/skbuff.h>
#include <linux/slab.h>
#include <linux/sysfs.h>
#include <linux/timer.h>

static int mode;
module_param(mode, int, 0444);

static struct timer_list timer;
static struct kobject *kobj;
static struct class *class;
static DEFINE_IDR(idr);
static DEFINE_IDA(ida);

static void fires(struct timer_list *t)
{
	pr_info("misuses: timer\n");
}

static ssize_t full_show(struct kobject *k, struct kobj_attribute *a, char *b)
{
	return PAGE_SIZE;
}

static ssize_t odd_show(struct kobject *k, struct kobj_attribute *a, char *b)
{
	return sysfs_emit(b + 1, "odd\n");
}

static struct kobj_attribute full = __ATTR_RO(full);
static struct kobj_attribute odd = __ATTR_RO(odd);

static const struct proc_ops nothing = {};

static int ends(void *unused)
{
	return 5;
}

/* A thread that has ended by itself, and then is stopped. */
static void stops(bool held)
{
	struct task_struct *thread = kthread_run(ends, NULL, "misuses");

	if (held)
		get_task_struct(thread);
	msleep(100);
	pr_info("misuses: it gave %d\n", kthread_stop(thread));
	if (held)
		put_task_struct(thread);
}

static void packets(void)
{
	struct sk_buff *skb = alloc_skb(16, GFP_KERNEL);

	switch (mode) {
	case 5:
		skb_put(skb, 200);
		break;
	case 6:
		skb_push(skb, 200);
		break;
	case 7:
		kfree_skb(skb);
		kfree_skb(skb);
		break;
	}
}

static int __init misuses_init(void)
{
	long timeout = -5;

	switch (mode) {
	case 1: /* a timer that is pending already */
		timer_setup(&timer, fires, 0);
		timer.expires = jiffies + 5;
		add_timer(&timer);
		add_timer(&timer);
		break;
	case 2: /* a sleep of negative length */
		pr_info("misuses: %ld left\n", schedule_timeout(timeout));
		break;
	case 3: /* ids below zero */
		pr_info("misuses: %d\n", idr_alloc(&idr, &timer, -5, 3, GFP_KERNEL));
		ida_free(&ida, -1);
		break;
	case 4: /* names that cannot be */
		remove_proc_entry("no_such", NULL);
		proc_create("misuses_no/such/file", 0, NULL, &nothing);
		proc_create("", 0, NULL, &nothing);
		proc_create("misuses", 0, NULL, &nothing);
		proc_create("misuses", 0, NULL, &nothing);
		break;
	case 5 ... 7:
		packets();
		break;
	case 8: /* sysfs functions that give too much, and that take a page's middle for a page */
		kobj = kobject_create_and_add("misuses", kernel_kobj);
		return sysfs_create_file(kobj, &full.attr) ?: sysfs_create_file(kobj, &odd.attr);
	case 9: /* a reference that was the loader's */
		module_put(THIS_MODULE);
		break;
	case 10: /* the beginning of its process's task_struct, */
		memset(current, 0, 64);
		break;
	case 11: /* all of it, */
		memset(current, 0x5a, sizeof(*current));
		break;
	case 12: /* and the pointer to it */
		this_cpu_write(*(struct task_struct **)&current_task, NULL);
		break;
	case 13: /* a class that goes while a device is in it */
		class = class_create(THIS_MODULE, "misuses");
		device_create(class, NULL, MKDEV(240, 1), NULL, "misuses1");
		class_destroy(class);
		break;
	case 14:
		stops(false);
		break;
	case 15:
		stops(true);
		break;
	}
	return 0;
}

static void __exit misuses_exit(void)
{
	if (kobj)
		kobject_put(kobj);
	if (mode == 1)
		del_timer_sync(&timer);
	if (mode == 4)
		remove_proc_entry("misuses", NULL);
}

module_init(misuses_init);
module_exit(misuses_exit);
MODULE_DESCRIPTION("misuses that the kernel has a word for");
MODULE_LICENSE("GPL");
