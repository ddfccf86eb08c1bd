/* SPDX-License-Identifier: Apache-2.0 */
/* Sleeps in MOD_LOAD until a wakeup that nobody sends. */
#include <sys/param.h>
#include <sys/kernel.h>
#include <sys/module.h>
#include <sys/systm.h>


static int
waitforever_event(module_t mod, int what, void *arg)
{
	switch (what) {
	case MOD_LOAD:
		tsleep(mod, 0, "forever", 0);
		return (0);
	case MOD_UNLOAD:
		return (0);
	default:
		return (EOPNOTSUPP);
	}
}

static moduledata_t waitforever_mod = { "waitforever", waitforever_event, NULL };

DECLARE_MODULE(waitforever, waitforever_mod, SI_SUB_DRIVERS, SI_ORDER_MIDDLE);
MODULE_VERSION(waitforever, 1);
