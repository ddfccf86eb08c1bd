/* SPDX-License-Identifier: Apache-2.0 */
/* Gives the same memory back twice. */
#include <sys/param.h>
#include <sys/kernel.h>
#include <sys/module.h>
#include <sys/systm.h>
#include <sys/malloc.h>

static int
doublefree_event(module_t mod, int what, void *arg)
{
	switch (what) {
	case MOD_LOAD:
	{
		void *memory = malloc(128, M_TEMP, M_WAITOK);
		void *volatile again = memory;

		free(memory, M_TEMP);
		free(again, M_TEMP);
		return (0);
	}
	case MOD_UNLOAD:
		return (0);
	default:
		return (EOPNOTSUPP);
	}
}

static moduledata_t doublefree_mod = { "doublefree", doublefree_event, NULL };

DECLARE_MODULE(doublefree, doublefree_mod, SI_SUB_DRIVERS, SI_ORDER_MIDDLE);
MODULE_VERSION(doublefree, 1);
