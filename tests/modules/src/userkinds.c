// SPDX-License-Identifier: GPL-2.0
/*
 * What a driver may do wrong with the buffers of a system call. Writing a letter to /proc/modbox_user does one thing:
 * a to o reach user memory without the functions for it, or rightly; A to P copy what must not be copied.
 */
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>

#define HIDE(x) ({ typeof(x) hidden_ = (x); asm volatile("" : "+r"(hidden_)); hidden_; })

static struct proc_dir_entry *entry;
static char global[64];
static const char pair[] = "z1";
static struct kmem_cache *plain, *listed;

static noinline unsigned long out(char __user *to, const void *from, size_t bytes)
{
	return copy_to_user(to, HIDE(from), HIDE(bytes));
}

static noinline unsigned long in(void *to, const char __user *from, size_t bytes)
{
	return copy_from_user(HIDE(to), from, HIDE(bytes));
}

static noinline int inside(const char __user *buf)
{
	char first = 0, second = 0;

	if (!user_access_begin(buf, 2))
		return -EFAULT;
	unsafe_get_user(first, buf, failed);
	unsafe_get_user(second, buf + 1, failed);
	user_access_end();
	return first + second;
failed:
	user_access_end();
	return -EFAULT;
}

static noinline long reach(char what, const char __user *buf, size_t count)
{
	const char *raw = HIDE((const char __force *)buf);
	char copy[64] = "";
	int number = 0;

	switch (what) {
	case 'a':
		return READ_ONCE(raw[1]);
	case 'b':
		WRITE_ONCE(*(char *)raw, 'x');
		return 0;
	case 'c':
		memcpy(HIDE(&copy[0]), raw, HIDE(4));
		return copy[1];
	case 'd':
		return strlen(raw);
	case 'e':
		strncpy(HIDE(&copy[0]), raw, 4);
		return copy[1];
	case 'f':
		pr_info("userkinds: says %s\n", raw);
		return 0;
	case 'g':
		return kstrtoint(raw, 10, &number);
	case 'h':
		return sscanf(raw, "h%d", &number) + number;
	case 'i':
		memset((char *)raw, 0, HIDE(4));
		return 0;
	case 'j':
		return memcmp(raw, HIDE(&pair[0]), HIDE(2));
	case 'k':
		return strcmp(raw, HIDE(&pair[0]));
	case 'l':
		return inside(buf);
	case 'm':
		if (inside(buf) < 0)
			return -EFAULT;
		return READ_ONCE(raw[1]);
	case 'n':
		return inside((const char __user *)0x1000) + inside(NULL);
	case 'o': {
		char *twin = kstrdup(raw, GFP_KERNEL);

		kfree(twin);
		return 0;
	}
	}
	return -ENOSYS;
}

static noinline long copies(char what, char __user *buf)
{
	char *object = kmalloc(60, GFP_KERNEL);
	char *own = kmem_cache_alloc(plain, GFP_KERNEL);
	char *allowed = kmem_cache_alloc(listed, GFP_KERNEL);
	char *area = vmalloc(5000);
	struct page *page = alloc_page(GFP_KERNEL);
	char local[32];
	long left = 0;

	memset(local, 0, sizeof(local));
	switch (what) {
	case 'A':
		left = out(buf, object, 64);
		break;
	case 'B':
		left = out(buf, object, 65);
		break;
	case 'C':
		left = in(object + 32, buf, 33);
		break;
	case 'D':
		left = out(buf, own, 8);
		break;
	case 'E':
		left = out(buf, allowed + 16, 32);
		break;
	case 'F':
		left = out(buf, allowed + 8, 32);
		break;
	case 'G':
		left = out(buf, local, 64);
		break;
	case 'H':
		left = out(buf, local, THREAD_SIZE);
		break;
	case 'I':
		left = out(buf, local - 1024, 64);
		break;
	case 'J':
		left = out(buf, area + 4990, 100);
		break;
	case 'K':
		left = out(buf, area + 8100, 150);
		break;
	case 'L':
		left = out(buf, page_address(page) + 4000, 150);
		break;
	case 'M':
		left = out(buf, (void *)copies, 16);
		break;
	case 'N':
		left = out(buf, NULL, 16);
		break;
	case 'O':
		left = out(buf, (void *)-16L, 64);
		break;
	case 'P':
		left = out(buf, global, 64);
		break;
	case 'Q':
		left = out(buf, (void *)_printk, 16);
		break;
	case 'R':
		left = out(buf, global, (size_t)INT_MAX + 1);
		break;
	case 'S':
		left = in(global, buf, 65536);
		break;
	}
	__free_page(page);
	vfree(area);
	kmem_cache_free(listed, allowed);
	kmem_cache_free(plain, own);
	kfree(object);
	return left;
}

static ssize_t user_write(struct file *file, const char __user *buf, size_t count, loff_t *pos)
{
	char what;
	long result;

	if (get_user(what, buf))
		return -EFAULT;
	result = what >= 'a' ? reach(what, buf, count) : copies(what, (char __user *)buf);
	pr_info("userkinds: %c: %ld\n", what, result);
	return count;
}

static const struct proc_ops ops = { .proc_write = user_write };

/* With it the cache is not merged with others of its size. */
static void prepare(void *object)
{
	memset(object, 0, 64);
}

static int __init userkinds_init(void)
{
	plain = kmem_cache_create("userkinds_plain", 64, 0, 0, prepare);
	listed = kmem_cache_create_usercopy("userkinds_listed", 64, 0, 0, 16, 32, NULL);
	entry = proc_create("modbox_user", 0222, NULL, &ops);
	return plain && listed && entry ? 0 : -ENOMEM;
}

static void __exit userkinds_exit(void)
{
	proc_remove(entry);
	kmem_cache_destroy(plain);
	kmem_cache_destroy(listed);
}

module_init(userkinds_init);
module_exit(userkinds_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("what a driver may do wrong with the buffers of a system call");
