// SPDX-License-Identifier: GPL-2.0
/* Uses exporter's symbols: functions, a variable, a namespace, and a pinned reference to a symbol found by name. */
#include <linux/module.h>

int modbox_add(int n);
int modbox_each(int n, int (*fn)(int i, void *data), void *data);
int modbox_hidden(void);
extern const char *modbox_motto;

static int add_square(int i, void *data)
{
	*(int *)data += i * i;
	return i == 5 ? -EDOM : 0;
}

static int __init importer_init(void)
{
	int sum = 0, ret;
	int (*add)(int n);
	int (*hidden)(void);

	pr_info("importer: \"%s\"\n", modbox_motto);
	pr_info("importer: add gives %d\n", modbox_add(5));
	pr_info("importer: add gives %d\n", modbox_add(10));
	ret = modbox_each(4, add_square, &sum);
	pr_info("importer: each over 4 gives %d, sum %d\n", ret, sum);
	ret = modbox_each(9, add_square, &sum);
	pr_info("importer: each over 9 gives %d, sum %d\n", ret, sum);
	pr_info("importer: hidden is %d\n", modbox_hidden());
	add = symbol_get(modbox_add);	/* refused: it is not exported for GPL modules only */
	pr_info("importer: symbol_get of modbox_add %s\n", add ? "finds it" : "fails");
	hidden = symbol_get(modbox_hidden);
	pr_info("importer: symbol_get of modbox_hidden %s\n", hidden ? "finds it" : "fails");
	if (hidden) {
		pr_info("importer: called through it, %d\n", hidden());
		symbol_put(modbox_hidden);
	}
	return 0;
}

static void __exit importer_exit(void)
{
	pr_info("importer: bye\n");
}

module_init(importer_init);
module_exit(importer_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Uses the symbols of exporter");
MODULE_IMPORT_NS(MODBOX_INNER);
