/* SPDX-License-Identifier: Apache-2.0 */
/* Writes behind an array on its stack: the stack protector sees it. */
#include <sys/param.h>
#include <sys/kernel.h>
#include <sys/module.h>
#include <sys/systm.h>


static volatile int stacksmash_index = 32;

static int __noinline
stacksmash_write(void)
{
	volatile char text[16];

	for (int i = 0; i < stacksmash_index; i++)
		text[i] = 65;
	return (text[0]);
}

static int
stacksmash_event(module_t mod, int what, void *arg)
{
	switch (what) {
	case MOD_LOAD:
		printf("stacksmash: %d\n", stacksmash_write());
		return (0);
	case MOD_UNLOAD:
		return (0);
	default:
		return (EOPNOTSUPP);
	}
}

static moduledata_t stacksmash_mod = { "stacksmash", stacksmash_event, NULL };

DECLARE_MODULE(stacksmash, stacksmash_mod, SI_SUB_DRIVERS, SI_ORDER_MIDDLE);
MODULE_VERSION(stacksmash, 1);
