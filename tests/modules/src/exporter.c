// SPDX-License-Identifier: GPL-2.0
/* Exports symbols, some for GPL modules only, one in a namespace; importer uses them. */
#include <linux/module.h>

static int total;

/* Adds to a running total. */
int modbox_add(int n);
int modbox_add(int n)
{
	total += n;
	return total;
}
EXPORT_SYMBOL(modbox_add);

/* Calls back into the caller's module. */
int modbox_each(int n, int (*fn)(int i, void *data), void *data);
int modbox_each(int n, int (*fn)(int i, void *data), void *data)
{
	int i, ret;

	for (i = 0; i < n; i++) {
		ret = fn(i, data);
		if (ret)
			return ret;
	}
	return 0;
}
EXPORT_SYMBOL_GPL(modbox_each);

int modbox_hidden(void);
int modbox_hidden(void)
{
	return 1234;
}
EXPORT_SYMBOL_NS_GPL(modbox_hidden, MODBOX_INNER);

const char *modbox_motto = "one kernel inside another";
EXPORT_SYMBOL(modbox_motto);

static int __init exporter_init(void)
{
	pr_info("exporter: ready\n");
	return 0;
}

static void __exit exporter_exit(void)
{
	pr_info("exporter: total %d\n", total);
}

module_init(exporter_init);
module_exit(exporter_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Exports symbols to another module");
