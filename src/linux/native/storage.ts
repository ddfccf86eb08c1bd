import type { NativeSubsystem } from './subsystem.js';

/** Functions of block/ and mm/backing-dev.c that TypeScript has, for targets without an image. */
const OF_TYPESCRIPT =
  /^(__)?(blk|bdi|blkcg|badblocks|elv|queue_limits)_|^__?(alloc_disk_node|register_blkdev)$|^(del_gendisk|device_add_disk|put_disk|set_capacity(_and_notify)?|set_disk_ro|sync_blockdev|unregister_blkdev)$/;

/** block/ and mm/backing-dev.c */
const BLOCK_LAYER =
  /^_*(blk|blkdev|bdev|bd|bdi|blkcg|blkg|badblocks|bsg|disk|elevator|elv|errno_to_blk|fs_bio|freeze_bdev|fsync_bdev|thaw_bdev|invalidate_(bdev|disk)|ioc|iocb_bio|kblockd|queue_limits|submit_bio|super_setup_bdi|sync_blockdev|wbt|alloc_disk_node|register_blkdev|del_gendisk|device_add_disk|put_disk|set_capacity|set_disk_ro|unregister_blkdev)(_|$)/;

/** mm/filemap.c, truncate.c, readahead.c, swap.c, page-writeback.c and folio-compat.c */
const PAGES =
  /^_*(add_to_page_cache|balance_dirty|check_move|clear_page_dirty|delete_from_page_cache|end_page|filemap|find_(get|lock)_(page|entr)\w*|folio|grab_cache_page|invalidate_(inode|mapping)_pages\w*|lru_cache|mark_page_accessed|page_(cache|endio|get_link|mapped|mapcount|put_link|readlink|symlink|zero_new)|pagecache|pagevec|put_pages_list|read_cache|readahead|redirty_page|release_pages|replace_page_cache|set_page|truncate_(inode_pages|pagecache|setsize)|try_to_release_page|unlock_page|wait_for_stable|wait_on_page|wb|write_cache_pages|writeback)(_|$)/;

/** fs/buffer.c, mpage.c, fs-writeback.c, sync.c, direct-io.c, iomap/ and what else of fs/ works on pages of files */
const FILES =
  /^_*(alloc_page_buffers|bh|blockdev_direct|block|bread|breadahead|brelse|bforget|clean_bdev|cont_write|create_empty_buffers|direct_write|dquot|end_buffer|file_(fdatawait|modified|remove_privs|update_time|write|check_and)|find_get_block|generic_(copy_file|cont_expand|error|fadvise|file|fsync|perform|update_time|write|writepages)|get_tree_bdev|getblk|inode_(io_list|nohighmem|update_time)|invalidate_inode_buffers|iomap|kill_block_super|ll_rw|lock_buffer|mark_buffer|mark_inode_dirty|mount_bdev|mpage|sb_(min|set)_blocksize|set_blocksize|submit_bh|sync_(dirty_buffer|filesystem|inode|inodes|mapping)|touch_(atime|buffer)|try_to_(free_buffers|writeback)|vfs_(fadvise|fsync)|write_(dirty_buffer|inode_now|one_page))(_|$)/;

/** Disks, the page cache and what is between, each with a scenario in the tests beside this. */
export const STORAGE_SUBSYSTEMS: readonly NativeSubsystem[] = [
  {
    // lib/xarray.c, the part whose callers know where in a tree they are: TypeScript's starts anew each time.
    name: 'xarray',
    functions: /^(xas_|__xas_)/,
    init: [],
    replaces: /^(xas_|__xas_)/,
  },
  {
    // mm/filemap.c, truncate.c, readahead.c, swap.c, page-writeback.c, fs/buffer.c, fs/mpage.c, fs-writeback.c, direct-io.c, iomap.
    name: 'page-cache',
    functions: new RegExp(`${PAGES.source}|${FILES.source}`),
    init: ['pagecache_init', 'buffer_init'],
    needs: ['block'],
    shares: [
      'address_space',
      'bio',
      'block_device',
      'dentry',
      'file',
      'folio',
      'inode',
      'iov_iter',
      'kiocb',
      'page',
      'super_block',
      'task_struct',
    ],
  },
  {
    // block/: TypeScript, whose disks hold nothing, is for targets without an image.
    name: 'block',
    functions: BLOCK_LAYER,
    init: [
      'cgroup_init_early',
      'mem_cgroup_css_alloc 0',
      'cgroup_init_subsys io_cgrp_subsys 1',
      'bdev_cache_init',
      'bdi_init noop_backing_dev_info',
      'bdi_class_init',
      'default_bdi_init',
      'blkcg_init',
      'throtl_init',
      'blk_ioc_init',
      'blk_mq_init',
      'genhd_device_init',
      'proc_genhd_init',
    ],
    replaces: OF_TYPESCRIPT,
    needs: ['bio'],
    shares: [
      'backing_dev_info',
      'bio',
      'block_device',
      'device',
      'gendisk',
      'inode',
      'page',
      'request',
      'request_queue',
      'task_struct',
    ],
  },
];
