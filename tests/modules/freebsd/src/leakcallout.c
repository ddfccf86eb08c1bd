/* SPDX-License-Identifier: Apache-2.0 */
/* Leaves a callout pending, whose function is gone when it is due. */
#include <sys/param.h>
#include <sys/kernel.h>
#include <sys/module.h>
#include <sys/systm.h>
#include <sys/callout.h>

static struct callout leakcallout_tick;

static void
leakcallout_due(void *arg)
{
	printf("leakcallout: due\n");
	callout_reset(&leakcallout_tick, hz, leakcallout_due, NULL);
}
static int
leakcallout_event(module_t mod, int what, void *arg)
{
	switch (what) {
	case MOD_LOAD:
		callout_init(&leakcallout_tick, 1);
		callout_reset(&leakcallout_tick, hz, leakcallout_due, NULL);
		return (0);
	case MOD_UNLOAD:
		return (0);
	default:
		return (EOPNOTSUPP);
	}
}

static moduledata_t leakcallout_mod = { "leakcallout", leakcallout_event, NULL };

DECLARE_MODULE(leakcallout, leakcallout_mod, SI_SUB_DRIVERS, SI_ORDER_MIDDLE);
MODULE_VERSION(leakcallout, 1);
