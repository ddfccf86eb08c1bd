/* SPDX-License-Identifier: Apache-2.0 */
/* Reads and writes memory that it has given back. */
#include <sys/param.h>
#include <sys/kernel.h>
#include <sys/module.h>
#include <sys/systm.h>
#include <sys/malloc.h>

static MALLOC_DEFINE(M_USEAFTER, "useafter", "Memory that is used too long");

static int
useafter_event(module_t mod, int what, void *arg)
{
	switch (what) {
	case MOD_LOAD:
	{
		volatile int *memory = malloc(64, M_USEAFTER, M_WAITOK);

		memory[3] = 1;
		free(__DEVOLATILE(void *, memory), M_USEAFTER);
		printf("useafter: %d\n", memory[3]);
		memory[4] = 2;
		return (0);
	}
	case MOD_UNLOAD:
		return (0);
	default:
		return (EOPNOTSUPP);
	}
}

static moduledata_t useafter_mod = { "useafter", useafter_event, NULL };

DECLARE_MODULE(useafter, useafter_mod, SI_SUB_DRIVERS, SI_ORDER_MIDDLE);
MODULE_VERSION(useafter, 1);
