/* SPDX-License-Identifier: Apache-2.0 */
/* Gives back what malloc(9) never gave: the middle of an allocation. */
#include <sys/param.h>
#include <sys/kernel.h>
#include <sys/module.h>
#include <sys/systm.h>
#include <sys/malloc.h>

static int
freemiddle_event(module_t mod, int what, void *arg)
{
	switch (what) {
	case MOD_LOAD:
	{
		char *volatile memory = malloc(128, M_TEMP, M_WAITOK);

		free(memory + 16, M_TEMP);
		return (0);
	}
	case MOD_UNLOAD:
		return (0);
	default:
		return (EOPNOTSUPP);
	}
}

static moduledata_t freemiddle_mod = { "freemiddle", freemiddle_event, NULL };

DECLARE_MODULE(freemiddle, freemiddle_mod, SI_SUB_DRIVERS, SI_ORDER_MIDDLE);
MODULE_VERSION(freemiddle, 1);
