// SPDX-License-Identifier: GPL-2.0
/* The first module: a greeting, and one parameter of each common kind. */
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/moduleparam.h>

static int count = 1;
module_param(count, int, 0644);
MODULE_PARM_DESC(count, "how many times to say hello");

static char *whom = "world";
module_param(whom, charp, 0444);
MODULE_PARM_DESC(whom, "whom to greet");

static bool shout;
module_param(shout, bool, 0644);
MODULE_PARM_DESC(shout, "say it loud");

static int numbers[4] = { 1, 2 };
static int numbers_len = 2;
module_param_array(numbers, int, &numbers_len, 0444);
MODULE_PARM_DESC(numbers, "up to four numbers to add up");

static int __init hello_init(void)
{
	int i, sum = 0;

	for (i = 0; i < count; i++)
		pr_info("hello: Hello, %s%c\n", whom, shout ? '!' : '.');
	for (i = 0; i < numbers_len; i++)
		sum += numbers[i];
	pr_info("hello: %d numbers, their sum is %d\n", numbers_len, sum);
	return 0;
}

static void __exit hello_exit(void)
{
	pr_info("hello: Goodbye, %s.\n", whom);
}

module_init(hello_init);
module_exit(hello_exit);
MODULE_LICENSE("GPL");
MODULE_AUTHOR("The modbox authors");
MODULE_DESCRIPTION("A module that says hello");
MODULE_VERSION("1.0");
MODULE_ALIAS("modbox-greeter");
