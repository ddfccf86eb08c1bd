// SPDX-License-Identifier: GPL-2.0
/*
 * Two character devices of one driver, made the long way: a region of numbers, a cdev, a class and its devices.
 *   /dev/modboxmem    a piece of memory: read, write, llseek, ioctl
 *   /dev/modboxpipe   a queue: reading waits up to a second for data, poll works, O_NONBLOCK gives -EAGAIN
 */
#include <linux/cdev.h>
#include <linux/device.h>
#include <linux/fs.h>
#include <linux/ioctl.h>
#include <linux/kfifo.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/wait.h>

struct modbox_area { __u32 from, length; };

#define MODBOX_GET_LENGTH	_IOR('m', 1, __u32)		/* 0x80046d01 */
#define MODBOX_SET_LENGTH	_IOW('m', 2, __u32)		/* 0x40046d02 */
#define MODBOX_CLEAR		_IO('m', 3)			/* 0x6d03 */
#define MODBOX_UPPERCASE	_IOWR('m', 4, struct modbox_area)	/* 0xc0086d04 */

static unsigned int size = 64;
module_param(size, uint, 0444);
MODULE_PARM_DESC(size, "bytes of memory behind /dev/modboxmem");

static dev_t first;
static struct class *modbox_class;
static struct cdev mem_cdev, pipe_cdev;

static DEFINE_MUTEX(mem_lock);
static char *mem;
static u32 mem_length;

static DEFINE_KFIFO(queue, char, 128);
static DEFINE_MUTEX(queue_lock);
static DECLARE_WAIT_QUEUE_HEAD(readers);
static DECLARE_WAIT_QUEUE_HEAD(writers);

static int mem_open(struct inode *inode, struct file *file)
{
	pr_info("chardev: open of minor %u, flags %#o\n", iminor(inode), file->f_flags & (O_ACCMODE | O_TRUNC | O_APPEND));
	mutex_lock(&mem_lock);
	if ((file->f_mode & FMODE_WRITE) && (file->f_flags & O_TRUNC))
		mem_length = 0;
	mutex_unlock(&mem_lock);
	return 0;
}

static int mem_release(struct inode *inode, struct file *file)
{
	pr_info("chardev: release of minor %u\n", iminor(inode));
	return 0;
}

static ssize_t mem_read(struct file *file, char __user *to, size_t count, loff_t *pos)
{
	ssize_t n;

	mutex_lock(&mem_lock);
	n = simple_read_from_buffer(to, count, pos, mem, mem_length);
	mutex_unlock(&mem_lock);
	return n;
}

static ssize_t mem_write(struct file *file, const char __user *from, size_t count, loff_t *pos)
{
	ssize_t n;

	mutex_lock(&mem_lock);
	if (file->f_flags & O_APPEND)
		*pos = mem_length;
	if (*pos >= size) {
		n = -ENOSPC;
	} else {
		n = simple_write_to_buffer(mem, size, pos, from, count);
		if (n > 0 && *pos > mem_length)
			mem_length = *pos;
	}
	mutex_unlock(&mem_lock);
	return n;
}

static loff_t mem_llseek(struct file *file, loff_t offset, int whence)
{
	return fixed_size_llseek(file, offset, whence, size);
}

static long mem_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct modbox_area area;
	u32 length, i;
	long ret = 0;

	mutex_lock(&mem_lock);
	switch (cmd) {
	case MODBOX_GET_LENGTH:
		ret = put_user(mem_length, (u32 __user *)arg);
		break;
	case MODBOX_SET_LENGTH:
		if (get_user(length, (u32 __user *)arg))
			ret = -EFAULT;
		else if (length > size)
			ret = -EINVAL;
		else
			mem_length = length;
		break;
	case MODBOX_CLEAR:
		memset(mem, 0, size);
		mem_length = 0;
		break;
	case MODBOX_UPPERCASE:
		if (copy_from_user(&area, (void __user *)arg, sizeof(area))) {
			ret = -EFAULT;
			break;
		}
		if (area.from > mem_length || area.length > mem_length - area.from) {
			ret = -ERANGE;
			break;
		}
		for (i = area.from; i < area.from + area.length; i++)
			if (mem[i] >= 'a' && mem[i] <= 'z') {
				mem[i] -= 'a' - 'A';
				ret++;
			}
		area.from += area.length;
		area.length = mem_length - area.from;
		if (copy_to_user((void __user *)arg, &area, sizeof(area)))
			ret = -EFAULT;
		break;
	default:
		ret = -ENOTTY;
	}
	mutex_unlock(&mem_lock);
	return ret;
}

static const struct file_operations mem_fops = {
	.owner		= THIS_MODULE,
	.open		= mem_open,
	.release	= mem_release,
	.read		= mem_read,
	.write		= mem_write,
	.llseek		= mem_llseek,
	.unlocked_ioctl	= mem_ioctl,
};

static ssize_t pipe_read(struct file *file, char __user *to, size_t count, loff_t *pos)
{
	unsigned int copied;
	long left;
	int ret;

	if (kfifo_is_empty(&queue)) {
		if (file->f_flags & O_NONBLOCK)
			return -EAGAIN;
		left = wait_event_interruptible_timeout(readers, !kfifo_is_empty(&queue), HZ);
		if (left < 0)
			return left;
		if (left == 0) {
			pr_info("chardev: a reader gave up\n");
			return 0;
		}
	}
	mutex_lock(&queue_lock);
	ret = kfifo_to_user(&queue, to, count, &copied);
	mutex_unlock(&queue_lock);
	wake_up_interruptible(&writers);
	return ret ? ret : copied;
}

static ssize_t pipe_write(struct file *file, const char __user *from, size_t count, loff_t *pos)
{
	unsigned int copied;
	int ret;

	if (kfifo_is_full(&queue)) {
		if (file->f_flags & O_NONBLOCK)
			return -EAGAIN;
		ret = wait_event_interruptible_timeout(writers, !kfifo_is_full(&queue), HZ);
		if (ret <= 0)
			return ret ? ret : -ENOSPC;
	}
	mutex_lock(&queue_lock);
	ret = kfifo_from_user(&queue, from, count, &copied);
	mutex_unlock(&queue_lock);
	wake_up_interruptible(&readers);
	return ret ? ret : copied;
}

static __poll_t pipe_poll(struct file *file, poll_table *wait)
{
	__poll_t mask = 0;

	poll_wait(file, &readers, wait);
	poll_wait(file, &writers, wait);
	if (!kfifo_is_empty(&queue))
		mask |= EPOLLIN | EPOLLRDNORM;
	if (!kfifo_is_full(&queue))
		mask |= EPOLLOUT | EPOLLWRNORM;
	return mask;
}

static const struct file_operations pipe_fops = {
	.owner		= THIS_MODULE,
	.open		= nonseekable_open,
	.read		= pipe_read,
	.write		= pipe_write,
	.poll		= pipe_poll,
	.llseek		= no_llseek,
};

static int __init chardev_init(void)
{
	struct device *dev;
	int ret;

	if (!size)
		return -EINVAL;
	mem = kzalloc(size, GFP_KERNEL);
	if (!mem)
		return -ENOMEM;
	ret = alloc_chrdev_region(&first, 0, 2, "modboxchar");
	if (ret)
		goto free_mem;
	cdev_init(&mem_cdev, &mem_fops);
	mem_cdev.owner = THIS_MODULE;
	ret = cdev_add(&mem_cdev, first, 1);
	if (ret)
		goto free_region;
	cdev_init(&pipe_cdev, &pipe_fops);
	pipe_cdev.owner = THIS_MODULE;
	ret = cdev_add(&pipe_cdev, first + 1, 1);
	if (ret)
		goto del_mem;
	modbox_class = class_create(THIS_MODULE, "modboxchar");
	if (IS_ERR(modbox_class)) {
		ret = PTR_ERR(modbox_class);
		goto del_pipe;
	}
	dev = device_create(modbox_class, NULL, first, NULL, "modboxmem");
	if (IS_ERR(dev)) {
		ret = PTR_ERR(dev);
		goto destroy_class;
	}
	dev = device_create(modbox_class, NULL, first + 1, NULL, "modbox%s", "pipe");
	if (IS_ERR(dev)) {
		ret = PTR_ERR(dev);
		goto destroy_first;
	}
	pr_info("chardev: %s and %s are there, %u bytes\n", "modboxmem", dev_name(dev), size);
	return 0;

destroy_first:
	device_destroy(modbox_class, first);
destroy_class:
	class_destroy(modbox_class);
del_pipe:
	cdev_del(&pipe_cdev);
del_mem:
	cdev_del(&mem_cdev);
free_region:
	unregister_chrdev_region(first, 2);
free_mem:
	kfree(mem);
	return ret;
}

static void __exit chardev_exit(void)
{
	device_destroy(modbox_class, first + 1);
	device_destroy(modbox_class, first);
	class_destroy(modbox_class);
	cdev_del(&pipe_cdev);
	cdev_del(&mem_cdev);
	unregister_chrdev_region(first, 2);
	kfree(mem);
	pr_info("chardev: gone\n");
}

module_init(chardev_init);
module_exit(chardev_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Character devices with read, write, llseek, ioctl and poll");
