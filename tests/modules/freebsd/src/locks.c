/* SPDX-License-Identifier: Apache-2.0 */
/* Every kind of lock, used as it should be: mtx (also spin and recursive), rw, sx, rm, lockmgr, sema, cv. */
#include <sys/param.h>
#include <sys/condvar.h>
#include <sys/kernel.h>
#include <sys/kthread.h>
#include <sys/lock.h>
#include <sys/lockmgr.h>
#include <sys/module.h>
#include <sys/mutex.h>
#include <sys/proc.h>
#include <sys/rmlock.h>
#include <sys/rwlock.h>
#include <sys/sema.h>
#include <sys/sx.h>
#include <sys/systm.h>

static struct mtx locks_mtx, locks_spin, locks_recursive;
static struct rwlock locks_rw;
static struct sx locks_sx;
static struct rmlock locks_rm;
static struct lock locks_lockmgr;
static struct sema locks_sema;
static struct cv locks_cv;
static int locks_ready;
MTX_SYSINIT(locks_static, &locks_recursive, "locks recursive", MTX_DEF | MTX_RECURSE);

static void
locks_other(void *arg)
{
	mtx_lock(&locks_mtx);
	locks_ready = 1;
	cv_signal(&locks_cv);
	mtx_unlock(&locks_mtx);
	pause("locks", hz / 20);
	sema_post(&locks_sema);
	kthread_exit();
}

static void
locks_use(void)
{
	struct rm_priotracker tracker;

	mtx_lock(&locks_recursive);
	mtx_lock(&locks_recursive);
	printf("locks: recursed %d\n", mtx_recursed(&locks_recursive) != 0);
	mtx_unlock(&locks_recursive);
	mtx_unlock(&locks_recursive);
	mtx_lock_spin(&locks_spin);
	mtx_unlock_spin(&locks_spin);
	printf("locks: trylock %d\n", mtx_trylock(&locks_mtx) != 0);
	mtx_unlock(&locks_mtx);
	rw_rlock(&locks_rw);
	printf("locks: upgrade %d\n", rw_try_upgrade(&locks_rw) != 0);
	rw_downgrade(&locks_rw);
	rw_runlock(&locks_rw);
	rw_wlock(&locks_rw);
	rw_wunlock(&locks_rw);
	sx_slock(&locks_sx);
	sx_sunlock(&locks_sx);
	sx_xlock(&locks_sx);
	printf("locks: sx owned %d\n", sx_xlocked(&locks_sx) != 0);
	sx_xunlock(&locks_sx);
	rm_rlock(&locks_rm, &tracker);
	rm_runlock(&locks_rm, &tracker);
	rm_wlock(&locks_rm);
	rm_wunlock(&locks_rm);
	lockmgr(&locks_lockmgr, LK_EXCLUSIVE, NULL);
	printf("locks: lockmgr %d\n", lockstatus(&locks_lockmgr) == LK_EXCLUSIVE);
	lockmgr(&locks_lockmgr, LK_RELEASE, NULL);
}

static int
locks_event(module_t mod, int what, void *arg)
{
	switch (what) {
	case MOD_LOAD:
		mtx_init(&locks_mtx, "locks mtx", NULL, MTX_DEF);
		mtx_init(&locks_spin, "locks spin", NULL, MTX_SPIN);
		rw_init(&locks_rw, "locks rw");
		sx_init(&locks_sx, "locks sx");
		rm_init(&locks_rm, "locks rm");
		lockinit(&locks_lockmgr, PRIBIO, "lockslm", 0, 0);
		sema_init(&locks_sema, 0, "locks sema");
		cv_init(&locks_cv, "locks cv");
		locks_use();
		kthread_add(locks_other, NULL, NULL, NULL, 0, 0, "locks other");
		mtx_lock(&locks_mtx);
		while (!locks_ready)
			cv_wait(&locks_cv, &locks_mtx);
		mtx_unlock(&locks_mtx);
		sema_wait(&locks_sema);
		printf("locks: timed out %d\n", sema_timedwait(&locks_sema, hz / 20) == EWOULDBLOCK);
		return (0);
	case MOD_UNLOAD:
		cv_destroy(&locks_cv);
		sema_destroy(&locks_sema);
		lockdestroy(&locks_lockmgr);
		rm_destroy(&locks_rm);
		sx_destroy(&locks_sx);
		rw_destroy(&locks_rw);
		mtx_destroy(&locks_spin);
		mtx_destroy(&locks_mtx);
		return (0);
	default:
		return (EOPNOTSUPP);
	}
}

static moduledata_t locks_mod = { "locks", locks_event, NULL };

DECLARE_MODULE(locks, locks_mod, SI_SUB_DRIVERS, SI_ORDER_MIDDLE);
