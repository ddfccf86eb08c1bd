/* SPDX-License-Identifier: Apache-2.0 */
/* SYSINITs run by subsystem, then by order, however they are written; SYSUNINITs the other way round. */
#include <sys/param.h>
#include <sys/kernel.h>
#include <sys/module.h>
#include <sys/systm.h>

static void
step(const void *name)
{
	printf("sysinits: %s\n", (const char *)name);
}

SYSINIT(five, SI_SUB_LAST, SI_ORDER_ANY, step, "five");
SYSINIT(three, SI_SUB_DRIVERS, SI_ORDER_FIRST, step, "three");
SYSINIT(one, SI_SUB_KLD, SI_ORDER_SECOND, step, "one");
SYSINIT(two, SI_SUB_KLD, SI_ORDER_ANY, step, "two");
SYSUNINIT(four, SI_SUB_LAST, SI_ORDER_ANY, step, "last one: goes first");
SYSUNINIT(six, SI_SUB_KLD, SI_ORDER_SECOND, step, "first one: goes last");

static int
sysinits_event(module_t mod, int what, void *arg)
{
	if (what == MOD_LOAD || what == MOD_UNLOAD)
		printf("sysinits: %s\n", what == MOD_LOAD ? "four (MOD_LOAD)" : "MOD_UNLOAD");
	return (what == MOD_LOAD || what == MOD_UNLOAD ? 0 : EOPNOTSUPP);
}

static moduledata_t sysinits_mod = { "sysinits", sysinits_event, NULL };

DECLARE_MODULE(sysinits, sysinits_mod, SI_SUB_DRIVERS, SI_ORDER_MIDDLE);
