// SPDX-License-Identifier: GPL-2.0
/* /sys/kernel/modbox: attributes with show and store, a named group, and a binary attribute. */
#include <linux/kobject.h>
#include <linux/module.h>
#include <linux/string.h>
#include <linux/sysfs.h>

static struct kobject *modbox_kobj;
static int number = 7;
static char text[32] = "nothing yet";
static u8 blob[16];
static bool enabled;

static ssize_t number_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%d\n", number);
}

static ssize_t number_store(struct kobject *kobj, struct kobj_attribute *attr, const char *buf, size_t count)
{
	int ret = kstrtoint(buf, 0, &number);

	return ret ? ret : count;
}
static struct kobj_attribute number_attr = __ATTR_RW(number);

static ssize_t text_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sprintf(buf, "%s\n", text);
}

static ssize_t text_store(struct kobject *kobj, struct kobj_attribute *attr, const char *buf, size_t count)
{
	strscpy(text, buf, sizeof(text));
	strim(text);
	sysfs_notify(kobj, NULL, "text");
	return count;
}
static struct kobj_attribute text_attr = __ATTR(text, 0644, text_show, text_store);

static ssize_t where_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%s/%s of %s\n", kobject_name(kobj), attr->attr.name, kobj->parent->name);
}
static struct kobj_attribute where_attr = __ATTR_RO(where);

static ssize_t trigger_store(struct kobject *kobj, struct kobj_attribute *attr, const char *buf, size_t count)
{
	if (sysfs_streq(buf, "fail"))
		return -EPERM;
	pr_info("sysfsattrs: triggered with %zu bytes\n", count);
	return count;
}
static struct kobj_attribute trigger_attr = __ATTR_WO(trigger);

static struct attribute *top_attrs[] = {
	&number_attr.attr, &text_attr.attr, &where_attr.attr, &trigger_attr.attr, NULL
};
static const struct attribute_group top_group = { .attrs = top_attrs };

static ssize_t enabled_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%s\n", enabled ? "yes" : "no");
}

static ssize_t enabled_store(struct kobject *kobj, struct kobj_attribute *attr, const char *buf, size_t count)
{
	int ret = kstrtobool(buf, &enabled);

	return ret ? ret : count;
}
static struct kobj_attribute enabled_attr = __ATTR_RW(enabled);

static ssize_t hidden_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "never\n");
}
static struct kobj_attribute hidden_attr = __ATTR_RO(hidden);

static umode_t tuning_visible(struct kobject *kobj, struct attribute *attr, int n)
{
	return attr == &hidden_attr.attr ? 0 : attr->mode;
}

static ssize_t blob_read(struct file *file, struct kobject *kobj, struct bin_attribute *attr,
			 char *buf, loff_t pos, size_t count)
{
	return memory_read_from_buffer(buf, count, &pos, blob, sizeof(blob));
}

static ssize_t blob_write(struct file *file, struct kobject *kobj, struct bin_attribute *attr,
			  char *buf, loff_t pos, size_t count)
{
	memcpy(blob + pos, buf, count);
	pr_info("sysfsattrs: blob %*ph\n", (int)sizeof(blob), blob);
	return count;
}
static struct bin_attribute blob_attr = __BIN_ATTR(blob, 0600, blob_read, blob_write, sizeof(blob));

static struct attribute *tuning_attrs[] = { &enabled_attr.attr, &hidden_attr.attr, NULL };
static struct bin_attribute *tuning_bin_attrs[] = { &blob_attr, NULL };
static const struct attribute_group tuning_group = {
	.name		= "tuning",
	.is_visible	= tuning_visible,
	.attrs		= tuning_attrs,
	.bin_attrs	= tuning_bin_attrs,
};

static int __init sysfsattrs_init(void)
{
	int ret;

	modbox_kobj = kobject_create_and_add("modbox", kernel_kobj);
	if (!modbox_kobj)
		return -ENOMEM;
	ret = sysfs_create_group(modbox_kobj, &top_group);
	if (!ret)
		ret = sysfs_create_group(modbox_kobj, &tuning_group);
	if (!ret)
		ret = sysfs_create_link(modbox_kobj, &THIS_MODULE->mkobj.kobj, "module");
	if (ret)
		kobject_put(modbox_kobj);
	return ret;
}

static void __exit sysfsattrs_exit(void)
{
	sysfs_remove_link(modbox_kobj, "module");
	sysfs_remove_group(modbox_kobj, &tuning_group);
	sysfs_remove_group(modbox_kobj, &top_group);
	kobject_put(modbox_kobj);
}

module_init(sysfsattrs_init);
module_exit(sysfsattrs_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Attributes in /sys: plain, grouped and binary");
