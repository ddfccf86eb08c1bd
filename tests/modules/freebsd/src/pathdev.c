/* SPDX-License-Identifier: Apache-2.0 */
/*
 * debug.pathdev.*: a path is written to one of them. `look` tells what is there (namei, VOP_GETATTR, vn_fullpath, VOP_READ), `make` makes a
 * file, `remove` removes one, `stack` stands on the file system of a path until another one is given (vfs_register_upper_from_vp).
 */
#include <sys/param.h>
#include <sys/fcntl.h>
#include <sys/kernel.h>
#include <sys/malloc.h>
#include <sys/module.h>
#include <sys/mount.h>
#include <sys/namei.h>
#include <sys/proc.h>
#include <sys/sysctl.h>
#include <sys/systm.h>
#include <sys/uio.h>
#include <sys/vnode.h>

static struct mount *pathdev_below;
static struct mount_upper_node pathdev_upper;

static int
pathdev_read(struct vnode *vp, char *text, int length)
{
	struct iovec iov = { text, length };
	struct uio uio = {
		.uio_iov = &iov,
		.uio_iovcnt = 1,
		.uio_resid = length,
		.uio_segflg = UIO_SYSSPACE,
		.uio_rw = UIO_READ,
		.uio_td = curthread,
	};
	struct ucred *cred = curthread->td_ucred;
	int error;

	error = vn_open_vnode(vp, FREAD, cred, curthread, NULL);
	if (error != 0)
		return (error);
	error = VOP_READ(vp, &uio, 0, cred);
	text[length - uio.uio_resid] = '\0';
	vref(vp);
	VOP_UNLOCK(vp);
	(void)vn_close(vp, FREAD, cred, curthread);
	vn_lock(vp, LK_EXCLUSIVE | LK_RETRY);
	return (error);
}

static int
pathdev_look(char *path)
{
	struct nameidata nd;
	struct vattr va;
	char *full, *buffer, text[16];
	int error;

	NDINIT(&nd, LOOKUP, NOFOLLOW | LOCKLEAF, UIO_SYSSPACE, path);
	error = namei(&nd);
	if (error != 0)
		return (error);
	NDFREE_PNBUF(&nd);
	error = VOP_GETATTR(nd.ni_vp, &va, curthread->td_ucred);
	if (error == 0)
		printf("pathdev: type %d, %ju bytes, on %s\n", nd.ni_vp->v_type, (uintmax_t)va.va_size,
		    nd.ni_vp->v_mount->mnt_stat.f_fstypename);
	if (error == 0 && nd.ni_vp->v_type == VREG) {
		error = pathdev_read(nd.ni_vp, text, sizeof(text) - 1);
		if (error == 0)
			printf("pathdev: it has '%s'\n", text);
	}
	if (error == 0 && vn_fullpath(nd.ni_vp, &full, &buffer) == 0) {
		printf("pathdev: it is %s\n", full);
		free(buffer, M_TEMP);
	}
	vput(nd.ni_vp);
	return (error);
}

static int
pathdev_make(char *path)
{
	struct nameidata nd;
	struct vattr va;
	int error;

	NDINIT(&nd, CREATE, LOCKPARENT, UIO_SYSSPACE, path);
	error = namei(&nd);
	if (error != 0)
		return (error);
	if (nd.ni_vp != NULL) {
		vrele(nd.ni_vp);
		error = EEXIST;
	} else {
		VATTR_NULL(&va);
		va.va_type = VREG;
		va.va_mode = 0640;
		error = VOP_CREATE(nd.ni_dvp, &nd.ni_vp, &nd.ni_cnd, &va);
		if (error == 0)
			vput(nd.ni_vp);
	}
	NDFREE_PNBUF(&nd);
	vput(nd.ni_dvp);
	return (error);
}

static int
pathdev_remove(char *path)
{
	struct nameidata nd;
	int error;

	NDINIT(&nd, DELETE, LOCKPARENT | LOCKLEAF, UIO_SYSSPACE, path);
	error = namei(&nd);
	if (error != 0)
		return (error);
	error = VOP_REMOVE(nd.ni_dvp, nd.ni_vp, &nd.ni_cnd);
	NDFREE_PNBUF(&nd);
	vput(nd.ni_vp);
	vput(nd.ni_dvp);
	return (error);
}

static void
pathdev_unstack(void)
{

	if (pathdev_below != NULL)
		vfs_unregister_upper(pathdev_below, &pathdev_upper);
	pathdev_below = NULL;
}

static int
pathdev_stack(char *path)
{
	struct nameidata nd;
	int error;

	NDINIT(&nd, LOOKUP, FOLLOW, UIO_SYSSPACE, path);
	error = namei(&nd);
	if (error != 0)
		return (error);
	NDFREE_PNBUF(&nd);
	pathdev_unstack();
	pathdev_below = vfs_register_upper_from_vp(nd.ni_vp, NULL, &pathdev_upper);
	vrele(nd.ni_vp);
	return (pathdev_below == NULL ? ENOENT : 0);
}

static int
pathdev_sysctl(SYSCTL_HANDLER_ARGS)
{
	int (*what)(char *) = arg1;
	char *path = malloc(MAXPATHLEN, M_TEMP, M_WAITOK | M_ZERO);
	int error;

	error = sysctl_handle_string(oidp, path, MAXPATHLEN, req);
	if (error == 0 && req->newptr != NULL)
		error = what(path);
	free(path, M_TEMP);
	return (error);
}

static SYSCTL_NODE(_debug, OID_AUTO, pathdev, CTLFLAG_RW, NULL, "Paths");
#define	PATHDEV(name)								\
SYSCTL_PROC(_debug_pathdev, OID_AUTO, name, CTLTYPE_STRING | CTLFLAG_RW,	\
    pathdev_##name, 0, pathdev_sysctl, "A", #name " a path")
PATHDEV(look);
PATHDEV(make);
PATHDEV(remove);
PATHDEV(stack);

static int
pathdev_event(module_t mod, int what, void *arg)
{

	if (what == MOD_UNLOAD)
		pathdev_unstack();
	return (what == MOD_LOAD || what == MOD_UNLOAD ? 0 : EOPNOTSUPP);
}

static moduledata_t pathdev_data = { "pathdev", pathdev_event, NULL };
DECLARE_MODULE(pathdev, pathdev_data, SI_SUB_DRIVERS, SI_ORDER_MIDDLE);
MODULE_VERSION(pathdev, 1);
