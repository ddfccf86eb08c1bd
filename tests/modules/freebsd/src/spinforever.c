/* SPDX-License-Identifier: Apache-2.0 */
/* Runs in circles in MOD_LOAD. */
#include <sys/param.h>
#include <sys/kernel.h>
#include <sys/module.h>
#include <sys/systm.h>


static volatile int spinforever_stop;

static int
spinforever_event(module_t mod, int what, void *arg)
{
	switch (what) {
	case MOD_LOAD:
		while (!spinforever_stop)
			;
		return (0);
	case MOD_UNLOAD:
		return (0);
	default:
		return (EOPNOTSUPP);
	}
}

static moduledata_t spinforever_mod = { "spinforever", spinforever_event, NULL };

DECLARE_MODULE(spinforever, spinforever_mod, SI_SUB_DRIVERS, SI_ORDER_MIDDLE);
MODULE_VERSION(spinforever, 1);
