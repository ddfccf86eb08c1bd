// SPDX-License-Identifier: GPL-2.0
/* /dev/modboxmisc through misc_register: reading it tells the time of its life, writing it is an echo into the log. */
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

static atomic_t opens = ATOMIC_INIT(0);

struct visit {
	int number;
	size_t written;
	bool told;
};

static int misc_open_visit(struct inode *inode, struct file *file)
{
	struct visit *visit = kzalloc(sizeof(*visit), GFP_KERNEL);

	if (!visit)
		return -ENOMEM;
	visit->number = atomic_inc_return(&opens);
	file->private_data = visit;
	return stream_open(inode, file);
}

static int misc_release_visit(struct inode *inode, struct file *file)
{
	struct visit *visit = file->private_data;

	if (visit->written)
		pr_info("miscdev: visit %d wrote %zu bytes\n", visit->number, visit->written);
	kfree(visit);
	return 0;
}

static ssize_t misc_read_visit(struct file *file, char __user *to, size_t count, loff_t *pos)
{
	struct visit *visit = file->private_data;
	char text[32];
	int n;

	if (visit->told)
		return 0;
	n = scnprintf(text, sizeof(text), "visit %d\n", visit->number);
	if (count < n)
		return -EINVAL;
	if (copy_to_user(to, text, n))
		return -EFAULT;
	visit->told = true;
	return n;
}

static ssize_t misc_write_visit(struct file *file, const char __user *from, size_t count, loff_t *pos)
{
	struct visit *visit = file->private_data;
	char *text;

	if (count > 256)
		return -E2BIG;
	text = memdup_user_nul(from, count);
	if (IS_ERR(text))
		return PTR_ERR(text);
	pr_info("miscdev: \"%s\"\n", strim(text));
	kfree(text);
	visit->written += count;
	return count;
}

static const struct file_operations misc_fops = {
	.owner		= THIS_MODULE,
	.open		= misc_open_visit,
	.release	= misc_release_visit,
	.read		= misc_read_visit,
	.write		= misc_write_visit,
	.llseek		= no_llseek,
};

static struct miscdevice misc = {
	.minor	= MISC_DYNAMIC_MINOR,
	.name	= "modboxmisc",
	.fops	= &misc_fops,
	.mode	= 0666,
};

static int __init miscdev_init(void)
{
	int ret = misc_register(&misc);

	if (ret)
		return ret;
	pr_info("miscdev: %s registered, device %s\n", misc.name, dev_name(misc.this_device));
	return 0;
}

static void __exit miscdev_exit(void)
{
	misc_deregister(&misc);
	pr_info("miscdev: %d visits\n", atomic_read(&opens));
}

module_init(miscdev_init);
module_exit(miscdev_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("A misc device");
MODULE_ALIAS("devname:modboxmisc");
