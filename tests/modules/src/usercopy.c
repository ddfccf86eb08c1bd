// SPDX-License-Identifier: GPL-2.0
/*
 * Copies between kernel and user memory, good and bad. Writing to /dev/modboxcopy tries them all around the
 * writer's buffer and logs; reading gives a line; the ioctl takes any pointer. A bad pointer must give -EFAULT,
 * through the exception table, and never an oops.
 */
#define pr_fmt(fmt) "usercopy: " fmt
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#define COPY_GET	_IOR('c', 1, __u64)	/* 0x80086301: writes 8 bytes to the pointer */
#define COPY_PUT	_IOW('c', 2, __u64)	/* 0x40086302: reads 8 bytes from it, returns their low byte */
#define COPY_STRING	_IOW('c', 3, char)	/* 0x40016303: the length of the string there */

static u64 stored = 0x1122334455667788ULL;

/* A page of user memory of the current task with nothing mapped after it. */
static unsigned long map_edge(void)
{
	unsigned long addr = vm_mmap(NULL, 0, 2 * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, 0);

	if (!IS_ERR_VALUE(addr))
		vm_munmap(addr + PAGE_SIZE, PAGE_SIZE);
	return addr;
}

static void try_bad(const char *what, unsigned long addr)
{
	void __user *p = (void __user *)addr;
	char buf[32];
	u64 v64 = 5;
	u32 v32 = 5;
	u16 v16 = 5;
	u8 v8 = 5;
	int ret;

	pr_info("%s: copy_from_user leaves %lu, copy_to_user leaves %lu, clear_user leaves %lu\n", what,
		copy_from_user(buf, p, sizeof(buf)), copy_to_user(p, buf, sizeof(buf)), clear_user(p, sizeof(buf)));
	ret = get_user(v8, (u8 __user *)p);
	pr_info("%s: get_user of 1 gives %d, value %u\n", what, ret, v8);
	ret = get_user(v16, (u16 __user *)p);
	pr_info("%s: get_user of 2 gives %d, value %u\n", what, ret, v16);
	ret = get_user(v32, (u32 __user *)p);
	pr_info("%s: get_user of 4 gives %d, value %u\n", what, ret, v32);
	ret = get_user(v64, (u64 __user *)p);
	pr_info("%s: get_user of 8 gives %d, value %llu\n", what, ret, v64);
	pr_info("%s: put_user gives %d %d %d %d\n", what, (int)put_user(v8, (u8 __user *)p),
		(int)put_user(v16, (u16 __user *)p), (int)put_user(v32, (u32 __user *)p), (int)put_user(v64, (u64 __user *)p));
	pr_info("%s: strncpy_from_user gives %ld, strnlen_user %ld\n", what, strncpy_from_user(buf, p, sizeof(buf)), strnlen_user(p, 100));
}

static void try_all(const char __user *from, size_t count)
{
	unsigned long edge = map_edge(), left;
	char __user *at;
	char buf[32], *copy;
	u64 value;
	long n;

	if (IS_ERR_VALUE(edge)) {
		pr_info("no memory to try on, %ld\n", (long)edge);
		return;
	}
	pr_info("the buffer is readable %d\n", (int)access_ok(from, count));
	/* Good ones. */
	at = (char __user *)edge;
	left = copy_to_user(at, "a string in user memory", 24);
	n = strncpy_from_user(buf, at, sizeof(buf));
	pr_info("good: copy leaves %lu, string of %ld \"%s\", strnlen %ld\n", left, n, buf, strnlen_user(at, 100));
	n = strncpy_from_user(buf, at, 8);
	pr_info("good: string cut at %ld \"%.8s\"\n", n, buf);
	pr_info("good: put_user %d", (int)put_user(0x0102030405060708ULL, (u64 __user *)(at + 64)));
	value = 0;
	pr_cont(" get_user %d", (int)get_user(value, (u64 __user *)(at + 64)));
	pr_cont(" %llx\n", value);
	copy = memdup_user(at, 24);
	pr_info("good: memdup_user \"%s\"\n", IS_ERR(copy) ? "error" : copy);
	if (!IS_ERR(copy))
		kfree(copy);
	copy = strndup_user(at, 100);
	pr_info("good: strndup_user \"%s\"\n", IS_ERR(copy) ? "error" : copy);
	if (!IS_ERR(copy))
		kfree(copy);
	copy = strndup_user(at, 5);
	pr_info("strndup_user of what is too long %pe\n", copy);
	left = copy_to_user_nofault(at, "x", 1);
	pr_info("good: copy_to_user_nofault %ld\n", (long)left);
	pr_info("good: clear_user leaves %lu", clear_user(at, 3));
	pr_cont(" then %d\n", (int)get_user(buf[0], at) ?: buf[0]);
	/* Over the edge of what is mapped: the part before it is copied. */
	at = (char __user *)edge + PAGE_SIZE - 10;
	left = copy_to_user(at, "0123456789abcdef", 16);
	pr_info("edge: copy_to_user leaves %lu\n", left);
	memset(buf, 'z', sizeof(buf));
	left = copy_from_user(buf, at, 16);
	pr_info("edge: copy_from_user leaves %lu, %16pE\n", left, buf);
	pr_info("edge: strncpy_from_user %ld\n", strncpy_from_user(buf, at, sizeof(buf)));
	pr_info("edge: clear_user leaves %lu\n", clear_user(at, 16));
	pr_info("edge: get_user across %d\n", (int)get_user(value, (u64 __user *)(at + 6)));
	copy = memdup_user(at, 16);
	pr_info("edge: memdup_user %pe\n", copy);
	vm_munmap(edge, PAGE_SIZE);
	/* Bad ones. */
	try_bad("NULL", 0);
	try_bad("unmapped", edge);
	try_bad("kernel", (unsigned long)&stored);
	try_bad("non-canonical", 0x0123456789abcdefUL);
	try_bad("highest", -8UL);
	pr_info("kernel nofault: %ld", (long)copy_from_kernel_nofault(buf, &stored, 8));
	pr_cont(" %*ph,", 8, buf);
	pr_cont(" wild %ld\n", (long)copy_from_kernel_nofault(buf, (void *)0xffff800000000000UL, 8));
	pr_info("stored is still %llx\n", stored);
}

static ssize_t copy_write(struct file *file, const char __user *from, size_t count, loff_t *pos)
{
	char buf[8];

	if (copy_from_user(buf, from, min(count, sizeof(buf))))
		return -EFAULT;
	if (count >= 3 && !strncmp(buf, "try", 3))
		try_all(from, count);
	return count;
}

static ssize_t copy_read(struct file *file, char __user *to, size_t count, loff_t *pos)
{
	return simple_read_from_buffer(to, count, pos, "read from the kernel\n", 21);
}

static long copy_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	char text[64];
	u64 value;
	long n;

	switch (cmd) {
	case COPY_GET:
		return put_user(stored, (u64 __user *)arg);
	case COPY_PUT:
		if (get_user(value, (u64 __user *)arg))
			return -EFAULT;
		stored = value;
		return value & 0xff;
	case COPY_STRING:
		n = strncpy_from_user(text, (char __user *)arg, sizeof(text));
		return n;
	}
	return -ENOTTY;
}

static const struct file_operations copy_fops = {
	.owner		= THIS_MODULE,
	.read		= copy_read,
	.write		= copy_write,
	.unlocked_ioctl	= copy_ioctl,
	.llseek		= default_llseek,
};

static struct miscdevice misc = {
	.minor	= MISC_DYNAMIC_MINOR,
	.name	= "modboxcopy",
	.fops	= &copy_fops,
};

module_misc_device(misc);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Copies between kernel and user memory, good and bad");
