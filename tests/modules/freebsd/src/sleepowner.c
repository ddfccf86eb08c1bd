/* SPDX-License-Identifier: Apache-2.0 */
/* Waits for a mutex whose owner sleeps: what every kernel stops for, with or without WITNESS. */
#include <sys/param.h>
#include <sys/kernel.h>
#include <sys/module.h>
#include <sys/systm.h>
#include <sys/kthread.h>
#include <sys/lock.h>
#include <sys/mutex.h>
#include <sys/proc.h>

static struct mtx sleepowner_lock;
static volatile int sleepowner_holds;

static void
sleepowner_main(void *arg)
{
	mtx_lock(&sleepowner_lock);
	sleepowner_holds = 1;
	pause("sleepown", 10 * hz);
	mtx_unlock(&sleepowner_lock);
	kthread_exit();
}

static int
sleepowner_event(module_t mod, int what, void *arg)
{
	switch (what) {
	case MOD_LOAD:
		mtx_init(&sleepowner_lock, "sleepowner", NULL, MTX_DEF);
		kthread_add(sleepowner_main, NULL, NULL, NULL, 0, 0, "sleepowner");
		while (!sleepowner_holds)
			pause("sleepwai", hz / 100);
		mtx_lock(&sleepowner_lock);
		mtx_unlock(&sleepowner_lock);
		return (0);
	case MOD_UNLOAD:
		mtx_destroy(&sleepowner_lock);
		return (0);
	default:
		return (EOPNOTSUPP);
	}
}

static moduledata_t sleepowner_mod = { "sleepowner", sleepowner_event, NULL };

DECLARE_MODULE(sleepowner, sleepowner_mod, SI_SUB_DRIVERS, SI_ORDER_MIDDLE);
MODULE_VERSION(sleepowner, 1);
