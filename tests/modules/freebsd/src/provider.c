/* SPDX-License-Identifier: Apache-2.0 */
/* Exports a function and says which version of it this is; consumer depends on it. */
#include <sys/param.h>
#include <sys/kernel.h>
#include <sys/module.h>
#include <sys/systm.h>
#include "provider.h"

static int provider_calls;

int
provider_add(int a, int b)
{
	provider_calls++;
	return (a + b);
}

static int
provider_event(module_t mod, int what, void *arg)
{
	switch (what) {
	case MOD_LOAD:
		printf("provider: ready\n");
		return (0);
	case MOD_UNLOAD:
		printf("provider: called %d times\n", provider_calls);
		return (0);
	default:
		return (EOPNOTSUPP);
	}
}

static moduledata_t provider_mod = { "provider", provider_event, NULL };

DECLARE_MODULE(provider, provider_mod, SI_SUB_DRIVERS, SI_ORDER_FIRST);
MODULE_VERSION(provider, 3);
