/* SPDX-License-Identifier: Apache-2.0 */
/* Gives memory back under another malloc type than it has. */
#include <sys/param.h>
#include <sys/kernel.h>
#include <sys/module.h>
#include <sys/systm.h>
#include <sys/malloc.h>

static MALLOC_DEFINE(M_WRONGTYPE, "wrongtype", "Memory that goes back as M_TEMP");

static int
wrongtype_event(module_t mod, int what, void *arg)
{
	switch (what) {
	case MOD_LOAD:
	{
		void *memory = malloc(128, M_WRONGTYPE, M_WAITOK);

		free(memory, M_TEMP);
		return (0);
	}
	case MOD_UNLOAD:
		return (0);
	default:
		return (EOPNOTSUPP);
	}
}

static moduledata_t wrongtype_mod = { "wrongtype", wrongtype_event, NULL };

DECLARE_MODULE(wrongtype, wrongtype_mod, SI_SUB_DRIVERS, SI_ORDER_MIDDLE);
MODULE_VERSION(wrongtype, 1);
