/* SPDX-License-Identifier: Apache-2.0 */
/* Writes behind the end of an allocation. */
#include <sys/param.h>
#include <sys/kernel.h>
#include <sys/module.h>
#include <sys/systm.h>
#include <sys/malloc.h>

static int
overrun_event(module_t mod, int what, void *arg)
{
	switch (what) {
	case MOD_LOAD:
	{
		char *volatile memory = malloc(40, M_TEMP, M_WAITOK);

		memory[64] = 1;
		free(memory, M_TEMP);
		return (0);
	}
	case MOD_UNLOAD:
		return (0);
	default:
		return (EOPNOTSUPP);
	}
}

static moduledata_t overrun_mod = { "overrun", overrun_event, NULL };

DECLARE_MODULE(overrun, overrun_mod, SI_SUB_DRIVERS, SI_ORDER_MIDDLE);
MODULE_VERSION(overrun, 1);
