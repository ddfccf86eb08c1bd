// SPDX-License-Identifier: GPL-2.0
/* /sys/kernel/debug/modbox: a file of each ready-made kind, and two made here. */
#include <linux/debugfs.h>
#include <linux/module.h>
#include <linux/seq_file.h>

static struct dentry *dir;
static u8 small = 8;
static u16 medium = 1600;
static u32 number = 32;
static u64 big = 64000000000ULL;
static u32 hex = 0xc0ffee;
static size_t length = 12;
static unsigned long flags = 0x123;
static bool on = true;
static atomic_t counter = ATOMIC_INIT(5);
static char blob_text[] = "a blob of bytes\n";
static struct debugfs_blob_wrapper blob = { .data = blob_text, .size = sizeof(blob_text) - 1 };
static u32 row[4] = { 10, 20, 30, 40 };
static struct debugfs_u32_array array = { .array = row, .n_elements = 4 };
static u64 celsius = 20;

static int fahrenheit_get(void *data, u64 *val)
{
	*val = *(u64 *)data * 9 / 5 + 32;
	return 0;
}

static int fahrenheit_set(void *data, u64 val)
{
	if (val < 32)
		return -ERANGE;
	*(u64 *)data = (val - 32) * 5 / 9;
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(fahrenheit_fops, fahrenheit_get, fahrenheit_set, "%llu F\n");

static int report_show(struct seq_file *m, void *v)
{
	seq_printf(m, "number=%u big=%llu counter=%d\n", number, big, atomic_read(&counter));
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(report);

static int __init debugfsmod_init(void)
{
	struct dentry *sub, *found;

	dir = debugfs_create_dir("modbox", NULL);
	if (IS_ERR(dir))
		return PTR_ERR(dir);
	debugfs_create_u8("u8", 0644, dir, &small);
	debugfs_create_u16("u16", 0644, dir, &medium);
	debugfs_create_u32("u32", 0644, dir, &number);
	debugfs_create_u64("u64", 0644, dir, &big);
	debugfs_create_x32("x32", 0644, dir, &hex);
	debugfs_create_size_t("size", 0444, dir, &length);
	debugfs_create_ulong("ulong", 0600, dir, &flags);
	debugfs_create_bool("bool", 0644, dir, &on);
	debugfs_create_atomic_t("atomic", 0644, dir, &counter);
	debugfs_create_blob("blob", 0444, dir, &blob);
	debugfs_create_u32_array("array", 0444, dir, &array);
	sub = debugfs_create_dir("sub", dir);
	debugfs_create_file("report", 0444, sub, NULL, &report_fops);
	debugfs_create_file_unsafe("fahrenheit", 0644, sub, &celsius, &fahrenheit_fops);
	debugfs_create_symlink("link", dir, "sub/report");
	found = debugfs_lookup("u32", dir);
	pr_info("debugfsmod: lookup of u32 %s\n", found ? "finds it" : "fails");
	dput(found);
	return 0;
}

static void __exit debugfsmod_exit(void)
{
	debugfs_remove(dir);
}

module_init(debugfsmod_init);
module_exit(debugfsmod_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Files in debugfs");
