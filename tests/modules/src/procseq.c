// SPDX-License-Identifier: GPL-2.0
/*
 * Files in /proc:
 *   /proc/modboxseq           a seq_file over a list; writing a line adds an item, "clear" empties it
 *   /proc/modbox/single       one show function, with the data of proc_create_single_data
 *   /proc/modbox/value        read and write with proc_ops of its own
 */
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

struct item {
	struct list_head list;
	unsigned int number;
	char text[32];
};

static int lines = 3;
module_param(lines, int, 0444);
MODULE_PARM_DESC(lines, "items at the start");

static LIST_HEAD(items);
static DEFINE_MUTEX(items_lock);
static unsigned int next_number = 1;
static long value = 42;
static struct proc_dir_entry *dir;

static int add_item(const char *text)
{
	struct item *item = kmalloc(sizeof(*item), GFP_KERNEL);

	if (!item)
		return -ENOMEM;
	strscpy(item->text, text, sizeof(item->text));
	mutex_lock(&items_lock);
	item->number = next_number++;
	list_add_tail(&item->list, &items);
	mutex_unlock(&items_lock);
	return 0;
}

static void clear_items(void)
{
	struct item *item, *tmp;

	mutex_lock(&items_lock);
	list_for_each_entry_safe(item, tmp, &items, list) {
		list_del(&item->list);
		kfree(item);
	}
	mutex_unlock(&items_lock);
}

static void *seq_start(struct seq_file *m, loff_t *pos)
{
	mutex_lock(&items_lock);
	return seq_list_start_head(&items, *pos);
}

static void *seq_next(struct seq_file *m, void *v, loff_t *pos)
{
	return seq_list_next(v, &items, pos);
}

static void seq_stop(struct seq_file *m, void *v)
{
	mutex_unlock(&items_lock);
}

static int seq_show(struct seq_file *m, void *v)
{
	struct item *item;

	if (v == &items) {
		seq_puts(m, "number text\n");
		return 0;
	}
	item = list_entry(v, struct item, list);
	seq_printf(m, "%6u ", item->number);
	seq_escape(m, item->text, " \t\n\\");
	seq_putc(m, '\n');
	return 0;
}

static const struct seq_operations seq_ops = {
	.start	= seq_start,
	.next	= seq_next,
	.stop	= seq_stop,
	.show	= seq_show,
};

static int seq_open_items(struct inode *inode, struct file *file)
{
	return seq_open(file, &seq_ops);
}

static ssize_t seq_write_item(struct file *file, const char __user *from, size_t count, loff_t *pos)
{
	char text[32];
	size_t n = min(count, sizeof(text) - 1);
	int ret;

	if (copy_from_user(text, from, n))
		return -EFAULT;
	text[n] = 0;
	strim(text);
	if (!text[0])
		return -EINVAL;
	if (!strcmp(text, "clear")) {
		clear_items();
		return count;
	}
	ret = add_item(text);
	return ret ? ret : count;
}

static const struct proc_ops seq_proc_ops = {
	.proc_open	= seq_open_items,
	.proc_read	= seq_read,
	.proc_write	= seq_write_item,
	.proc_lseek	= seq_lseek,
	.proc_release	= seq_release,
};

static int single_show(struct seq_file *m, void *v)
{
	seq_printf(m, "private: %s\n", (char *)m->private);
	seq_printf(m, "value: %ld\n", value);
	seq_put_decimal_ull(m, "ull: ", 18446744073709551615ULL);
	seq_put_decimal_ll(m, " ll: ", -1);
	seq_putc(m, '\n');
	seq_hex_dump(m, "dump ", DUMP_PREFIX_OFFSET, 16, 1, "modbox hex dump", 15, true);
	seq_pad(m, '\n');
	return 0;
}

static ssize_t value_read(struct file *file, char __user *to, size_t count, loff_t *pos)
{
	char text[24];
	int n = scnprintf(text, sizeof(text), "%ld\n", value);

	return simple_read_from_buffer(to, count, pos, text, n);
}

static ssize_t value_write(struct file *file, const char __user *from, size_t count, loff_t *pos)
{
	int ret = kstrtol_from_user(from, count, 0, &value);

	return ret ? ret : count;
}

static const struct proc_ops value_proc_ops = {
	.proc_read	= value_read,
	.proc_write	= value_write,
	.proc_lseek	= default_llseek,
};

static int __init procseq_init(void)
{
	char text[32];
	int i, ret;

	for (i = 0; i < lines; i++) {
		snprintf(text, sizeof(text), "item number %d", i);
		ret = add_item(text);
		if (ret)
			goto fail;
	}
	ret = -ENOMEM;
	if (!proc_create("modboxseq", 0644, NULL, &seq_proc_ops))
		goto fail;
	dir = proc_mkdir("modbox", NULL);
	if (!dir)
		goto remove_seq;
	if (!proc_create_single_data("single", 0444, dir, single_show, "the data"))
		goto remove_dir;
	if (!proc_create("value", 0600, dir, &value_proc_ops))
		goto remove_dir;
	return 0;

remove_dir:
	proc_remove(dir);
remove_seq:
	remove_proc_entry("modboxseq", NULL);
fail:
	clear_items();
	return ret;
}

static void __exit procseq_exit(void)
{
	remove_proc_entry("value", dir);
	remove_proc_subtree("modbox", NULL);
	remove_proc_entry("modboxseq", NULL);
	clear_items();
}

module_init(procseq_init);
module_exit(procseq_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Files in /proc: seq_file, single_open, writable");
