// SPDX-License-Identifier: GPL-2.0
/* A parameter of every standard type, arrays, a string buffer, a type of its own, and every kind of permission. */
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/slab.h>
#include <linux/string.h>

static unsigned char a_byte = 200;
module_param(a_byte, byte, 0644);
MODULE_PARM_DESC(a_byte, "0 to 255");
static short a_short = -3;
module_param(a_short, short, 0644);
static unsigned short a_ushort = 3;
module_param(a_ushort, ushort, 0644);
static int an_int = -100000;
module_param(an_int, int, 0644);
static unsigned int a_uint = 4000000000U;
module_param(a_uint, uint, 0644);
static long a_long = -5000000000L;
module_param(a_long, long, 0644);
static unsigned long a_ulong = 5000000000UL;
module_param(a_ulong, ulong, 0644);
static unsigned long long a_ullong = 10000000000000000000ULL;
module_param(a_ullong, ullong, 0644);
static unsigned int a_hexint = 0xbeef;
module_param(a_hexint, hexint, 0644);
static char *a_charp = "initial";
module_param(a_charp, charp, 0644);
static bool a_bool;
module_param(a_bool, bool, 0644);
static bool an_invbool;
module_param(an_invbool, invbool, 0644);
static int a_bint;
module_param(a_bint, bint, 0644);
MODULE_PARM_DESC(a_bint, "an int that takes what a bool takes");
static bool once;
module_param_cb(once, &param_ops_bool_enable_only, &once, 0644);
__MODULE_PARM_TYPE(once, "bool");

static int hidden = 1;
module_param(hidden, int, 0);
MODULE_PARM_DESC(hidden, "not in /sys");
static int write_only = 1;
module_param(write_only, int, 0200);
static int private = 1;
module_param(private, int, 0600);
static int internal_name = 9;
module_param_named(outer_name, internal_name, int, 0444);
static int dangerous;
module_param_unsafe(dangerous, int, 0644);
MODULE_PARM_DESC(dangerous, "setting it taints the kernel");

static short three_shorts[3] = { 1, 2, 3 };
module_param_array(three_shorts, short, NULL, 0644);
static char *words[4];
static unsigned int words_count;
module_param_array(words, charp, &words_count, 0444);
MODULE_PARM_DESC(words, "up to four words");
static bool switches[8];
static unsigned int switches_count;
module_param_array_named(toggles, switches, bool, &switches_count, 0644);

static char buffer[10] = "short";
module_param_string(buffer, buffer, sizeof(buffer), 0644);
MODULE_PARM_DESC(buffer, "at most nine characters");

/* Colours, by name; a change is logged. */
static const char * const colours[] = { "red", "green", "blue" };
static int colour = 1;

static int colour_set(const char *val, const struct kernel_param *kp)
{
	int n = sysfs_match_string(colours, val);

	if (n < 0)
		return n;
	pr_info("params: %s was %s and becomes %s\n", kp->name, colours[*(int *)kp->arg], colours[n]);
	*(int *)kp->arg = n;
	return 0;
}

static int colour_get(char *buf, const struct kernel_param *kp)
{
	return scnprintf(buf, PAGE_SIZE, "%s\n", colours[*(int *)kp->arg]);
}

static const struct kernel_param_ops colour_ops = { .set = colour_set, .get = colour_get };
module_param_cb(colour, &colour_ops, &colour, 0644);
MODULE_PARM_DESC(colour, "red, green or blue");

/* A flag: no value needed. */
static int flag_hits;

static int flag_set(const char *val, const struct kernel_param *kp)
{
	pr_info("params: flag with %s\n", val ? val : "no value");
	flag_hits++;
	return 0;
}
static const struct kernel_param_ops flag_ops = { .flags = KERNEL_PARAM_OPS_FL_NOARG, .set = flag_set };
module_param_cb(flag, &flag_ops, NULL, 0200);

/* Bounded, with the kernel's helper. */
static unsigned int percent = 50;

static int percent_set(const char *val, const struct kernel_param *kp)
{
	return param_set_uint_minmax(val, kp, 0, 100);
}
static const struct kernel_param_ops percent_ops = { .set = percent_set, .get = param_get_uint };
module_param_cb(percent, &percent_ops, &percent, 0644);

static int __init params_init(void)
{
	unsigned int i;

	pr_info("params: byte %u short %d ushort %u int %d uint %u\n", a_byte, a_short, a_ushort, an_int, a_uint);
	pr_info("params: long %ld ulong %lu ullong %llu hexint %#x\n", a_long, a_ulong, a_ullong, a_hexint);
	pr_info("params: charp \"%s\" bool %d invbool %d bint %d once %d\n", a_charp, a_bool, an_invbool, a_bint, once);
	pr_info("params: hidden %d write_only %d private %d outer_name %d dangerous %d\n",
		hidden, write_only, private, internal_name, dangerous);
	pr_info("params: three_shorts %d %d %d\n", three_shorts[0], three_shorts[1], three_shorts[2]);
	for (i = 0; i < words_count; i++)
		pr_info("params: word %u is \"%s\"\n", i, words[i]);
	pr_info("params: %u toggles: %d%d%d%d%d%d%d%d\n", switches_count, switches[0], switches[1], switches[2],
		switches[3], switches[4], switches[5], switches[6], switches[7]);
	pr_info("params: buffer \"%s\" colour %s flag %d percent %u\n", buffer, colours[colour], flag_hits, percent);
	return 0;
}

static void __exit params_exit(void)
{
	pr_info("params: charp \"%s\" int %d buffer \"%s\" at the end\n", a_charp, an_int, buffer);
}

module_init(params_init);
module_exit(params_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("A parameter of every standard type");
MODULE_VERSION("2.5");
