/* SPDX-License-Identifier: Apache-2.0 */
/* Calls provider.ko's function; needs its version 2 to 4 and prefers 3, which is what it is. */
#include <sys/param.h>
#include <sys/kernel.h>
#include <sys/module.h>
#include <sys/systm.h>


#include "provider.h"
static int
consumer_event(module_t mod, int what, void *arg)
{
	switch (what) {
	case MOD_LOAD:
		printf("consumer: %d\n", provider_add(40, 2));
		return (0);
	case MOD_UNLOAD:
		return (0);
	default:
		return (EOPNOTSUPP);
	}
}

static moduledata_t consumer_mod = { "consumer", consumer_event, NULL };

DECLARE_MODULE(consumer, consumer_mod, SI_SUB_DRIVERS, SI_ORDER_MIDDLE);
MODULE_DEPEND(consumer, provider, 2, 3, 4);
