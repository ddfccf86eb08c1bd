/* SPDX-License-Identifier: Apache-2.0 */
/* Sleeps inside a network epoch section. */
#include <sys/param.h>
#include <sys/kernel.h>
#include <sys/module.h>
#include <sys/systm.h>
#include <sys/epoch.h>
#include <sys/malloc.h>
#include <sys/socket.h>
#include <net/if.h>
#include <net/if_var.h>

static int
epochsleep_event(module_t mod, int what, void *arg)
{
	switch (what) {
	case MOD_LOAD:
	{
		struct epoch_tracker et;

		NET_EPOCH_ENTER(et);
		pause("epslp", hz / 10);
		NET_EPOCH_EXIT(et);
		return (0);
	}
	case MOD_UNLOAD:
		return (0);
	default:
		return (EOPNOTSUPP);
	}
}

static moduledata_t epochsleep_mod = { "epochsleep", epochsleep_event, NULL };

DECLARE_MODULE(epochsleep, epochsleep_mod, SI_SUB_DRIVERS, SI_ORDER_MIDDLE);
MODULE_VERSION(epochsleep, 1);
