// SPDX-License-Identifier: GPL-2.0
/* Parameters that are not as they should be: odd permissions, functions that fail or are not there, limits of arrays. */
#include <linux/module.h>
#include <linux/moduleparam.h>

static int good = 1;
module_param(good, int, 0644);
static bool by_cast;
module_param(by_cast, bool, 1);
/* The macro refuses what is not sensible when it is compiled; what others write into the section is not. */
static const struct kernel_param_ops plain_ops = { .set = param_set_int, .get = param_get_int };
#define ODD(name_, ops_, perm_) \
	static int name_ = 5; \
	static const struct kernel_param __used __section("__param") __aligned(sizeof(void *)) __param_odd_##name_ = \
		{ .name = #name_, .mod = THIS_MODULE, .ops = ops_, .perm = perm_, .level = -1, .arg = &name_ }
ODD(by_world, &plain_ops, 0666);
ODD(for_nobody, &plain_ops, 0007);
ODD(high_bits, &plain_ops, 0100644);
ODD(executable, &plain_ops, 0755);
ODD(sticky, &plain_ops, 01644);
ODD(all_bits, &plain_ops, 0xffff);

static int fails_set(const char *val, const struct kernel_param *kp)
{
	pr_info("oddparams: set %s=%s", kp->name, val ? val : "(nothing)");
	if (sysfs_streq(val, "enoent"))
		return -ENOENT;
	if (sysfs_streq(val, "enospc"))
		return -ENOSPC;
	if (sysfs_streq(val, "positive"))
		return 3;
	if (sysfs_streq(val, "strange"))
		return -4000;
	return -EINVAL;
}
static int fails_get(char *buf, const struct kernel_param *kp)
{
	return -EXDEV;
}
static int long_get(char *buf, const struct kernel_param *kp)
{
	return scnprintf(buf, PAGE_SIZE, "no newline");
}
static const struct kernel_param_ops fails_ops = { .set = fails_set, .get = fails_get };
static const struct kernel_param_ops long_ops = { .set = fails_set, .get = long_get };
static const struct kernel_param_ops noset_ops = { .get = long_get };
static const struct kernel_param_ops noget_ops = { .set = param_set_int };
ODD(fails, &fails_ops, 0644);
ODD(no_newline, &long_ops, 0644);
ODD(without_set, &noset_ops, 0644);
ODD(without_get, &noget_ops, 0644);

static unsigned int hexes[3] = { 0xbeef, 0, 0x12345678 };
module_param_array(hexes, hexint, NULL, 0644);
static unsigned char bytes[4] = { 1, 2 };
static unsigned int bytes_count = 2;
module_param_array(bytes, byte, &bytes_count, 0644);
static char *names[2] = { "first", NULL };
static unsigned int names_count;
module_param_array(names, charp, &names_count, 0644);
static char *nothing;
module_param(nothing, charp, 0644);
static char text[6] = "abc";
module_param_string(text, text, sizeof(text), 0644);
static bool flags[3];
module_param_array(flags, bool, NULL, 0644);

static int __init oddparams_init(void)
{
	pr_info("oddparams: good %d bytes %u names %u nothing %s text %s\n", good, bytes_count, names_count,
		nothing ? nothing : "(none)", text);
	return 0;
}

static void __exit oddparams_exit(void)
{
}

module_init(oddparams_init);
module_exit(oddparams_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Odd parameters");
