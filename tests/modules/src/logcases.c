// SPDX-License-Identifier: GPL-2.0
/* Lines of the log that are too long, in pieces, with odd characters. */
#include <linux/module.h>
#include <linux/printk.h>
#include <linux/string.h>

static int mode;
module_param(mode, int, 0);

static char big[3000];

static int __init logcases_init(void)
{
	int i;

	for (i = 0; i < sizeof(big) - 1; i++)
		big[i] = 'a' + i % 26;
	switch (mode) {
	case 0: /* long lines */
		for (i = 980; i < 1040; i++)
			if (i < 1000 || i % 8 == 0)
				pr_info("%d %.*s\n", i, i - 4, big);
		pr_info("%s\n", big);
		pr_info("%s", big);
		pr_info("\n");
		break;
	case 1: /* pieces */
		pr_info("one, ");
		pr_cont("two, ");
		pr_cont("three\n");
		pr_cont("alone\n");
		pr_info("open");
		pr_info("next\n");
		pr_info("open again");
		pr_warn("of another level\n");
		pr_info("a");
		printk("b\n");
		printk("no level\n");
		printk(KERN_CONT "cont without a line\n");
		pr_info("");
		pr_info("\n");
		pr_info("\n\n");
		pr_cont("");
		break;
	case 2: /* a long line in pieces */
		pr_info("start ");
		for (i = 0; i < 60; i++)
			pr_cont("%.*s", 26, big);
		pr_cont("end\n");
		break;
	case 3: /* several lines in one */
		pr_info("first\nsecond\n\nfourth\n");
		pr_info("tab\there\rreturn\x07" "bell\x1b[31mred\n");
		pr_info("\xc3\xa9 high\n");
		printk("\001" "6prefix" "\001" "4inside\n");
		printk("\001" "9not a level\n");
		printk("\001" "d" "default level\n");
		break;
	case 4: /* never ended */
		pr_info("hanging");
		break;
	case 5: /* ended by somebody else */
		pr_info("waits for");
		dump_stack();
		pr_cont(" its end\n");
		break;
	}
	return 0;
}

static void __exit logcases_exit(void)
{
	if (mode == 4)
		pr_cont(" ended\n");
}

module_init(logcases_init);
module_exit(logcases_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Odd lines of the log");
