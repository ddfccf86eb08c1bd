/* SPDX-License-Identifier: Apache-2.0 */
/* Leaves a kernel thread running code that is gone. */
#include <sys/param.h>
#include <sys/kernel.h>
#include <sys/module.h>
#include <sys/systm.h>
#include <sys/kthread.h>
#include <sys/proc.h>

static struct thread *leakthread_td;

static void
leakthread_main(void *arg)
{
	for (;;)
		pause("leaktd", hz / 10);
}
static int
leakthread_event(module_t mod, int what, void *arg)
{
	switch (what) {
	case MOD_LOAD:
		return (kthread_add(leakthread_main, NULL, NULL, &leakthread_td, 0, 0, "leakthread"));
	case MOD_UNLOAD:
		return (0);
	default:
		return (EOPNOTSUPP);
	}
}

static moduledata_t leakthread_mod = { "leakthread", leakthread_event, NULL };

DECLARE_MODULE(leakthread, leakthread_mod, SI_SUB_DRIVERS, SI_ORDER_MIDDLE);
MODULE_VERSION(leakthread, 1);
