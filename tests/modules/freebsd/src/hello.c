/* SPDX-License-Identifier: Apache-2.0 */
/* A module that says hello and goodbye. */
#include <sys/param.h>
#include <sys/kernel.h>
#include <sys/module.h>
#include <sys/systm.h>

static int
hello_event(module_t mod, int what, void *arg)
{
	switch (what) {
	case MOD_LOAD:
		printf("Hello, FreeBSD.\n");
		return (0);
	case MOD_UNLOAD:
		printf("Goodbye, FreeBSD.\n");
		return (0);
	default:
		return (EOPNOTSUPP);
	}
}

static moduledata_t hello_mod = { "hello", hello_event, NULL };

DECLARE_MODULE(hello, hello_mod, SI_SUB_DRIVERS, SI_ORDER_MIDDLE);
MODULE_VERSION(hello, 1);
