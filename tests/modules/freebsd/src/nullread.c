/* SPDX-License-Identifier: Apache-2.0 */
/* Reads through a null pointer. */
#include <sys/param.h>
#include <sys/kernel.h>
#include <sys/module.h>
#include <sys/systm.h>


static int *volatile nullread_nothing;

static int
nullread_event(module_t mod, int what, void *arg)
{
	switch (what) {
	case MOD_LOAD:
		printf("nullread: %d\n", nullread_nothing[2]);
		return (0);
	case MOD_UNLOAD:
		return (0);
	default:
		return (EOPNOTSUPP);
	}
}

static moduledata_t nullread_mod = { "nullread", nullread_event, NULL };

DECLARE_MODULE(nullread, nullread_mod, SI_SUB_DRIVERS, SI_ORDER_MIDDLE);
MODULE_VERSION(nullread, 1);
