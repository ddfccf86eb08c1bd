/* SPDX-License-Identifier: Apache-2.0 */
/* Callouts: one that comes once, one that comes again with a mutex held, one that is stopped, one with precision (sbintime). */
#include <sys/param.h>
#include <sys/callout.h>
#include <sys/kernel.h>
#include <sys/lock.h>
#include <sys/module.h>
#include <sys/mutex.h>
#include <sys/systm.h>
#include <sys/time.h>

static struct mtx callouts_lock;
static struct callout callouts_once, callouts_again, callouts_stopped, callouts_fine;
static int callouts_count;

static void
callouts_due(void *arg)
{
	printf("callouts: %s\n", (const char *)arg);
}

static void
callouts_repeat(void *arg)
{
	mtx_assert(&callouts_lock, MA_OWNED);
	if (++callouts_count < 3)
		callout_schedule(&callouts_again, hz / 20);
	printf("callouts: again %d\n", callouts_count);
}

static int
callouts_event(module_t mod, int what, void *arg)
{
	switch (what) {
	case MOD_LOAD:
		mtx_init(&callouts_lock, "callouts", NULL, MTX_DEF);
		callout_init(&callouts_once, 1);
		callout_init_mtx(&callouts_again, &callouts_lock, 0);
		callout_init(&callouts_stopped, 1);
		callout_init(&callouts_fine, 1);
		callout_reset(&callouts_once, hz / 8, callouts_due, "once");
		mtx_lock(&callouts_lock);
		callout_reset(&callouts_again, hz / 20, callouts_repeat, NULL);
		mtx_unlock(&callouts_lock);
		callout_reset(&callouts_stopped, hz / 10, callouts_due, "never");
		callout_reset_sbt(&callouts_fine, 3 * SBT_1MS, 0, callouts_due, "fine", C_PREL(4));
		printf("callouts: stopped %d\n", callout_stop(&callouts_stopped));
		printf("callouts: pending %d %d\n", callout_pending(&callouts_once) != 0, callout_pending(&callouts_stopped) != 0);
		return (0);
	case MOD_UNLOAD:
		callout_drain(&callouts_once);
		callout_drain(&callouts_again);
		callout_drain(&callouts_stopped);
		callout_drain(&callouts_fine);
		mtx_destroy(&callouts_lock);
		return (0);
	default:
		return (EOPNOTSUPP);
	}
}

static moduledata_t callouts_mod = { "callouts", callouts_event, NULL };

DECLARE_MODULE(callouts, callouts_mod, SI_SUB_DRIVERS, SI_ORDER_MIDDLE);
