/* SPDX-License-Identifier: Apache-2.0 */
/* A file system of one directory with one file, `hello`: VFS_SET, mount, root, lookup, getattr, readdir, read. */
#include <sys/param.h>
#include <sys/kernel.h>
#include <sys/malloc.h>
#include <sys/module.h>
#include <sys/mount.h>
#include <sys/namei.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <sys/dirent.h>
#include <sys/uio.h>
#include <sys/vnode.h>

enum { TINYFS_ROOT = 2, TINYFS_FILE = 3 };

static const char tinyfs_text[] = "Hello from tinyfs.\n";
static MALLOC_DEFINE(M_TINYFS, "tinyfs", "Nodes of tinyfs");
static struct vop_vector tinyfs_vnodeops;

struct tinyfs_node {
	ino_t number;
};

static int
tinyfs_vnode(struct mount *mp, ino_t number, int flags, struct vnode **vpp)
{
	struct tinyfs_node *node;
	struct vnode *vp;
	int error;

	error = vfs_hash_get(mp, number, flags, curthread, vpp, NULL, NULL);
	if (error != 0 || *vpp != NULL)
		return (error);
	error = getnewvnode("tinyfs", mp, &tinyfs_vnodeops, &vp);
	if (error != 0)
		return (error);
	node = malloc(sizeof(*node), M_TINYFS, M_WAITOK | M_ZERO);
	node->number = number;
	vp->v_data = node;
	vp->v_type = number == TINYFS_ROOT ? VDIR : VREG;
	if (number == TINYFS_ROOT)
		vp->v_vflag |= VV_ROOT;
	lockmgr(vp->v_vnlock, LK_EXCLUSIVE, NULL);
	error = insmntque(vp, mp);
	if (error != 0) {
		*vpp = NULL;
		return (error);
	}
	error = vfs_hash_insert(vp, number, flags, curthread, vpp, NULL, NULL);
	if (error != 0 || *vpp != NULL)
		return (error);
	vn_set_state(vp, VSTATE_CONSTRUCTED);
	*vpp = vp;
	return (0);
}

static int
tinyfs_mount(struct mount *mp)
{
	if ((mp->mnt_flag & MNT_UPDATE) != 0)
		return (EOPNOTSUPP);
	MNT_ILOCK(mp);
	mp->mnt_flag |= MNT_LOCAL | MNT_RDONLY;
	MNT_IUNLOCK(mp);
	vfs_getnewfsid(mp);
	vfs_mountedfrom(mp, "tinyfs");
	return (0);
}

static int
tinyfs_unmount(struct mount *mp, int flags)
{
	return (vflush(mp, 0, (flags & MNT_FORCE) != 0 ? FORCECLOSE : 0, curthread));
}

static int
tinyfs_root(struct mount *mp, int flags, struct vnode **vpp)
{
	return (tinyfs_vnode(mp, TINYFS_ROOT, flags, vpp));
}

static int
tinyfs_statfs(struct mount *mp, struct statfs *sbp)
{
	sbp->f_bsize = sbp->f_iosize = DEV_BSIZE;
	sbp->f_blocks = 1;
	sbp->f_files = 2;
	return (0);
}

static struct vfsops tinyfs_vfsops = {
	.vfs_mount = tinyfs_mount,
	.vfs_unmount = tinyfs_unmount,
	.vfs_root = tinyfs_root,
	.vfs_statfs = tinyfs_statfs,
};
VFS_SET(tinyfs_vfsops, tinyfs, VFCF_SYNTHETIC | VFCF_READONLY);

static int
tinyfs_lookup(struct vop_cachedlookup_args *ap)
{
	struct componentname *cnp = ap->a_cnp;
	struct vnode *dvp = ap->a_dvp;

	*ap->a_vpp = NULL;
	if (dvp->v_type != VDIR)
		return (ENOTDIR);
	if (cnp->cn_namelen == 1 && cnp->cn_nameptr[0] == '.') {
		vref(dvp);
		*ap->a_vpp = dvp;
		return (0);
	}
	if (cnp->cn_namelen != 5 || strncmp(cnp->cn_nameptr, "hello", 5) != 0)
		return (cnp->cn_nameiop == LOOKUP ? ENOENT : EROFS);
	return (tinyfs_vnode(dvp->v_mount, TINYFS_FILE, cnp->cn_lkflags, ap->a_vpp));
}

static int
tinyfs_access(struct vop_access_args *ap)
{
	if ((ap->a_accmode & VWRITE) != 0)
		return (EROFS);
	return (vaccess(ap->a_vp->v_type, ap->a_vp->v_type == VDIR ? 0555 : 0444, 0, 0, ap->a_accmode, ap->a_cred));
}

static int
tinyfs_getattr(struct vop_getattr_args *ap)
{
	struct tinyfs_node *node = ap->a_vp->v_data;
	struct vattr *vap = ap->a_vap;
	bool dir = node->number == TINYFS_ROOT;

	vap->va_type = ap->a_vp->v_type;
	vap->va_mode = dir ? 0555 : 0444;
	vap->va_nlink = dir ? 2 : 1;
	vap->va_uid = vap->va_gid = 0;
	vap->va_fsid = ap->a_vp->v_mount->mnt_stat.f_fsid.val[0];
	vap->va_fileid = node->number;
	vap->va_size = dir ? 2 : sizeof(tinyfs_text) - 1;
	vap->va_bytes = vap->va_size;
	vap->va_blocksize = DEV_BSIZE;
	return (0);
}

static int
tinyfs_open(struct vop_open_args *ap)
{
	vnode_create_vobject(ap->a_vp, sizeof(tinyfs_text) - 1, ap->a_td);
	return (0);
}

static int
tinyfs_read(struct vop_read_args *ap)
{
	struct uio *uio = ap->a_uio;
	size_t size = sizeof(tinyfs_text) - 1;

	if (ap->a_vp->v_type != VREG)
		return (EISDIR);
	if (uio->uio_offset < 0)
		return (EINVAL);
	if (uio->uio_offset >= size)
		return (0);
	return (uiomove(__DECONST(char *, tinyfs_text) + uio->uio_offset, MIN(size - uio->uio_offset, uio->uio_resid), uio));
}

static int
tinyfs_readdir(struct vop_readdir_args *ap)
{
	static const struct {
		const char *name;
		ino_t number;
		uint8_t type;
	} entries[] = { { ".", TINYFS_ROOT, DT_DIR }, { "..", TINYFS_ROOT, DT_DIR }, { "hello", TINYFS_FILE, DT_REG } };
	struct dirent dirent;
	int error = 0;

	if (ap->a_vp->v_type != VDIR)
		return (ENOTDIR);
	while (ap->a_uio->uio_offset >= 0 && ap->a_uio->uio_offset < nitems(entries)) {
		off_t at = ap->a_uio->uio_offset;

		memset(&dirent, 0, sizeof(dirent));
		dirent.d_fileno = entries[at].number;
		dirent.d_type = entries[at].type;
		dirent.d_off = at + 1;
		strlcpy(dirent.d_name, entries[at].name, sizeof(dirent.d_name));
		dirent.d_namlen = strlen(dirent.d_name);
		dirent.d_reclen = GENERIC_DIRSIZ(&dirent);
		if (ap->a_uio->uio_resid < dirent.d_reclen)
			break;
		error = uiomove(&dirent, dirent.d_reclen, ap->a_uio);
		if (error != 0)
			break;
		ap->a_uio->uio_offset = at + 1;
	}
	if (ap->a_eofflag != NULL)
		*ap->a_eofflag = ap->a_uio->uio_offset >= nitems(entries);
	return (error);
}

static int
tinyfs_reclaim(struct vop_reclaim_args *ap)
{
	struct vnode *vp = ap->a_vp;

	vfs_hash_remove(vp);
	free(vp->v_data, M_TINYFS);
	vp->v_data = NULL;
	return (0);
}

static struct vop_vector tinyfs_vnodeops = {
	.vop_default = &default_vnodeops,
	.vop_access = tinyfs_access,
	.vop_cachedlookup = tinyfs_lookup,
	.vop_getattr = tinyfs_getattr,
	.vop_lookup = vfs_cache_lookup,
	.vop_open = tinyfs_open,
	.vop_read = tinyfs_read,
	.vop_readdir = tinyfs_readdir,
	.vop_reclaim = tinyfs_reclaim,
};
VFS_VOP_VECTOR_REGISTER(tinyfs_vnodeops);
