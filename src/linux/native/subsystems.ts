import type { NativeSubsystem } from './subsystem.js';

/** Functions of block/ and mm/backing-dev.c. */
const BLOCK_LAYER =
  /^(__)?(blk|bdi|blkcg|badblocks|elv|queue_limits)_|^__?(alloc_disk_node|register_blkdev)$|^(del_gendisk|device_add_disk|put_disk|set_capacity(_and_notify)?|set_disk_ro|sync_blockdev|unregister_blkdev)$/;

const PAGE_CACHE =
  /filemap_|pagevec_|readahead|^truncate_(pagecache|setsize|inode_pages)|invalidate_(mapping|inode)_pages|^(generic|block|mpage|iomap|nobh)_\w*(read|write|bmap|invalidate|commit|dirty|fiemap|seek|truncate|folio|page|dio|file|perform)|^__?(bread|getblk|find_get_block|brelse|bforget|lock_buffer|set_page_dirty|block_write|breadahead|bh_read)|_buffers?(_dirty|_read|_sync|_fua|_async_write|_write_io_error|_write)?$|^(bh_|sb_set_blocksize|sb_min_blocksize|set_blocksize|sync_|write_cache_pages|write_one_page|writeback_|__mark_inode_dirty|wait_on_page|wait_for_stable|folio_(wait|lock|unlock|end|mark|clear|write|start|redirty|account|put_wait)|unlock_page|lock_page|set_page_|clear_page_dirty|end_page|page_(endio|cache)|pagecache_|balance_dirty|read_cache_page|grab_cache_page|find_get_page|mark_page_accessed|release_pages|lru_cache|delete_from_page_cache|add_to_page_cache|redirty_page|kill_block_super|mount_bdev|get_tree_bdev|blkdev_|lookup_bdev|bd_|bdev_|freeze_bdev|thaw_bdev|inode_(congested|set_bytes|add_bytes|sub_bytes|nohighmem|newsize)|submit_bh|touch_buffer|try_to_free_buffers|try_to_release|file_(write|fdatawait|check|fdatawrite))/;

/** The subsystems that run natively, each with a scenario in the tests beside this. */
export const NATIVE_SUBSYSTEMS: readonly NativeSubsystem[] = [
  {
    // drivers/i2c: the bus is TypeScript's.
    name: 'i2c',
    functions: /^(__)?i2c_/,
    init: [],
    shares: ['device', 'i2c_adapter', 'i2c_client', 'task_struct'],
  },
  {
    name: 'regmap',
    functions: /^(_*(devm_)?_*regmap_|dev_get_regmap)/,
    init: ['regmap_initcall'],
    shares: ['device', 'i2c_client', 'regmap', 'task_struct'],
    needs: ['i2c'],
  },
  {
    // drivers/input/input-mt.c, ff-core.c and what else looks at an input device: the core is TypeScript's.
    name: 'input',
    functions: /^input_(mt_|ff_|get_timestamp|set_timestamp|copy_abs|device_enabled|get_keycode|set_keycode)/,
    init: [],
    shares: ['input_dev', 'task_struct'],
  },
  {
    // drivers/pci: access.c, capabilities and bits of the configuration space, through the operations of a device's bus.
    name: 'pci',
    functions:
      /^(__)?pcie?_((bus_|user_)?(read|write)_config_|(bus_)?find_(next_)?(ext_|ht_)?capability|capability_|set_master|clear_master|intx$|msi_vec_count|msix_vec_count|find_vsec|find_dvsec|get_dsn|save_state|store_saved_state|load_saved_state|load_and_free_saved_state|check_and_(un)?mask_intx|get_readrq|get_mps|status_get_and_clear|bandwidth|get_speed_cap|get_width_cap|cfg_access|speed_string|device_is_present)/,
    init: [],
    asBuilt: ['pci_lock', 'pcibios_disable_irq', 'pcibios_max_latency', 'pci_cache_line_size'],
    shares: ['pci_dev', 'pci_bus', 'task_struct'],
  },
  {
    // drivers/clk
    name: 'clk',
    functions: /^_*(devm_)?_*(of_)?clk(dev)?_/,
    init: ['clk_debug_init'],
    asBuilt: ['clk_root_list', 'clk_orphan_list'],
    shares: ['device', 'device_driver', 'task_struct'],
  },
  {
    // drivers/reset
    name: 'reset',
    functions: /^_*(devm_)?_*(of_)?(reset_control|reset_simple)/,
    init: [],
    shares: ['device', 'device_node', 'task_struct'],
  },
  {
    // drivers/regulator
    name: 'regulator',
    functions: /^_*(devm_)?_*(of_)?(regulator|rdev)_/,
    init: ['regulator_init'],
    asBuilt: ['regulator_ignore_unused'],
    needs: ['regmap'],
    shares: ['device', 'regmap', 'task_struct'],
  },
  {
    // drivers/opp
    name: 'opp',
    functions: /^_*(devm_)?_*dev_pm_opp_/,
    init: ['opp_debug_init'],
    needs: ['clk', 'regulator'],
    shares: ['device', 'device_node', 'task_struct'],
  },
  {
    // drivers/gpio: TypeScript, which has no lines, is for targets without an image. Tables of who gets which are its.
    name: 'gpio',
    functions: /^(devm_)?(fwnode_)?gpio(d|chip)?_/,
    init: ['gpiolib_dev_init'],
    replaces: /^(devm_)?gpiod?_(?!(add|remove)_lookup_table)|^gpiochip_find$/,
    shares: ['device', 'fwnode_handle', 'task_struct'],
  },
  {
    // block/bio.c: TypeScript has no bios.
    name: 'bio',
    functions: /^(__)?bio(set)?_/,
    init: ['init_bio'],
    replaces: /^bioset_(init|exit)$/,
    shares: ['bio', 'page', 'task_struct'],
  },
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
    shares: ['address_space', 'bio', 'block_device', 'dentry', 'file', 'folio', 'inode', 'iov_iter', 'kiocb', 'page', 'super_block', 'task_struct'],
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
      'throtl_init', 'blk_ioc_init', 'blk_mq_init', 'genhd_device_init', 'proc_genhd_init'],
    replaces: BLOCK_LAYER,
    needs: ['bio'],
    shares: ['backing_dev_info', 'bio', 'block_device', 'device', 'gendisk', 'inode', 'page', 'request', 'request_queue', 'task_struct'],
  },
  {
    // net/core/devlink.c
    name: 'devlink',
    functions: /^devl(ink)?_/,
    init: ['devlink_init'],
    shares: ['device', 'net', 'net_device', 'sk_buff', 'task_struct'],
  },
];
