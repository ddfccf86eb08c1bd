import type { NativeSubsystem } from './subsystem.js';

/** Functions of block/ and mm/backing-dev.c. */
const BLOCK_LAYER =
  /^(__)?(blk|bdi|blkcg|badblocks|elv|queue_limits)_|^__?(alloc_disk_node|register_blkdev)$|^(del_gendisk|device_add_disk|put_disk|set_capacity(_and_notify)?|set_disk_ro|sync_blockdev|unregister_blkdev)$/;

const PAGE_CACHE =
  /filemap_|pagevec_|readahead|^truncate_(pagecache|setsize|inode_pages)|invalidate_(mapping|inode)_pages|^(generic|block|mpage|iomap|nobh)_\w*(read|write|bmap|invalidate|commit|dirty|fiemap|seek|truncate|folio|page|dio|file|perform)|^__?(bread|getblk|find_get_block|brelse|bforget|lock_buffer|set_page_dirty|block_write|breadahead|bh_read)|_buffers?(_dirty|_read|_sync|_fua|_async_write|_write_io_error|_write)?$|^(bh_|sb_set_blocksize|sb_min_blocksize|set_blocksize|sync_|write_cache_pages|write_one_page|writeback_|__mark_inode_dirty|wait_on_page|wait_for_stable|folio_(wait|lock|unlock|end|mark|clear|write|start|redirty|account|put_wait)|unlock_page|lock_page|set_page_|clear_page_dirty|end_page|page_(endio|cache)|pagecache_|balance_dirty|read_cache_page|grab_cache_page|find_get_page|mark_page_accessed|release_pages|lru_cache|delete_from_page_cache|add_to_page_cache|redirty_page|kill_block_super|mount_bdev|get_tree_bdev|blkdev_|lookup_bdev|bd_|bdev_|freeze_bdev|thaw_bdev|inode_(congested|set_bytes|add_bytes|sub_bytes|nohighmem|newsize)|submit_bh|touch_buffer|try_to_free_buffers|try_to_release|file_(write|fdatawait|check|fdatawrite))/;

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
    functions: PAGE_CACHE,
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
    replaces: BLOCK_LAYER,
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
