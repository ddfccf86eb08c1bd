// SPDX-License-Identifier: GPL-2.0
/* Does twice, in init, what may be done once (mode=N). */
#include <linux/cdev.h>
#include <linux/device.h>
#include <linux/fs.h>
#include <linux/kobject.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/slab.h>

static int mode;
module_param(mode, int, 0444);

static LIST_HEAD(head);
static struct list_head entry;
static void release(struct kobject *k) { }
static const struct kobj_type ktype = { .release = release, .sysfs_ops = &kobj_sysfs_ops };
static struct kobject kobj, other;
static ssize_t leaf_show(struct kobject *k, struct kobj_attribute *a, char *b) { return 0; }
static struct kobj_attribute leaf = __ATTR_RO(leaf);
static struct platform_driver driver = { .driver = { .name = "doubles" } };
static const struct file_operations fops = { .owner = THIS_MODULE };
static struct miscdevice misc = { .minor = MISC_DYNAMIC_MINOR, .name = "doubles", .fops = &fops };
static struct class *class;
static struct kref kref;
static void kref_release(struct kref *k) { }
static void dev_release(struct device *d) { }
static struct device dev;

static int __init doubles_init(void)
{
	int r = 0;

	switch (mode) {
	case 1: class = class_create(THIS_MODULE, "doubles"); class_unregister(class); class_destroy(class); break;
	case 2: list_add(&entry, &head); list_del(&entry); list_del(&entry); break;
	case 3: list_add(&entry, &head); list_add(&entry, &head); break;
	case 4: kobject_init(&kobj, &ktype); r = kobject_add(&kobj, kernel_kobj, "doubles");
		pr_info("doubles: %d %d\n", r, kobject_add(&kobj, kernel_kobj, "doubles")); r = 0; kobject_del(&kobj); break;
	case 5: kobject_init(&kobj, &ktype); r = kobject_add(&kobj, kernel_kobj, "doubles");
		kobject_init(&other, &ktype); pr_info("doubles: %d %d\n", r, kobject_add(&other, kernel_kobj, "doubles"));
		r = 0; kobject_del(&kobj); break;
	case 6: r = sysfs_create_file(kernel_kobj, &leaf.attr);
		pr_info("doubles: %d %d\n", r, sysfs_create_file(kernel_kobj, &leaf.attr)); r = 0;
		sysfs_remove_file(kernel_kobj, &leaf.attr); break;
	case 7: kobject_init(&kobj, &ktype); kobject_init(&kobj, &ktype); break;
	case 8: kobject_init(&kobj, &ktype); kobject_put(&kobj); kobject_put(&kobj); break;
	case 9: r = platform_driver_register(&driver); pr_info("doubles: %d %d\n", r, platform_driver_register(&driver));
		r = 0; platform_driver_unregister(&driver); platform_driver_unregister(&driver); break;
	case 10: r = misc_register(&misc); misc_deregister(&misc); misc_deregister(&misc); break;
	case 11: kref_init(&kref); kref_put(&kref, kref_release); kref_put(&kref, kref_release); break;
	case 12: kref_init(&kref); kref_put(&kref, kref_release); kref_get(&kref); break;
	case 13: device_initialize(&dev); dev.release = dev_release; dev_set_name(&dev, "doubles"); r = device_add(&dev);
		pr_info("doubles: %d %d\n", r, device_add(&dev)); r = 0; device_unregister(&dev); break;
	case 14: sysfs_remove_file(kernel_kobj, &leaf.attr); break;
	case 15: device_initialize(&dev); dev.release = dev_release; dev_set_name(&dev, "doubles"); r = device_add(&dev);
		device_unregister(&dev); put_device(&dev); break;
	}
	return r;
}

static void __exit doubles_exit(void) { }
module_init(doubles_init);
module_exit(doubles_exit);
MODULE_LICENSE("GPL");
