// SPDX-License-Identifier: GPL-2.0
/* Tag sets, queues and disks of the block layer, and what it says of them. */
#include <linux/module.h>
#include <linux/blk-mq.h>
#include <linux/blkdev.h>

static int calls, exits, fail_at = -1, fail_from = -1;

static blk_status_t queue_rq(struct blk_mq_hw_ctx *hctx, const struct blk_mq_queue_data *bd)
{
	return BLK_STS_IOERR;
}

static int init_request(struct blk_mq_tag_set *set, struct request *rq, unsigned int queue, unsigned int node)
{
	int nr = calls++;

	return nr == fail_at || (fail_from >= 0 && nr >= fail_from) ? -EIO : 0;
}

static void exit_request(struct blk_mq_tag_set *set, struct request *rq, unsigned int queue)
{
	exits++;
}

static int init_hctx(struct blk_mq_hw_ctx *hctx, void *data, unsigned int index)
{
	pr_info("tagsets: init_hctx %u, data %s, queue %s\n", index, data ? "yes" : "no", hctx->queue ? "yes" : "no");
	return 0;
}

static void exit_hctx(struct blk_mq_hw_ctx *hctx, unsigned int index)
{
	pr_info("tagsets: exit_hctx %u\n", index);
}

static const struct blk_mq_ops ops = {
	.queue_rq = queue_rq, .init_request = init_request, .exit_request = exit_request,
	.init_hctx = init_hctx, .exit_hctx = exit_hctx,
};
static const struct blk_mq_ops no_queue_rq = { .init_request = init_request };
static const struct blk_mq_ops plain = { .queue_rq = queue_rq };

static struct blk_mq_tag_set set;

static void try(const char *what, const struct blk_mq_ops *with, int queues, int depth, int reserved)
{
	int err;

	memset(&set, 0, sizeof(set));
	set.ops = with;
	set.nr_hw_queues = queues;
	set.queue_depth = depth;
	set.reserved_tags = reserved;
	set.cmd_size = 16;
	set.numa_node = NUMA_NO_NODE;
	set.driver_data = &set;
	calls = exits = 0;
	err = blk_mq_alloc_tag_set(&set);
	pr_info("tagsets: %s: %d, depth %u, queues %u, %d calls, %d exits\n", what, err, set.queue_depth, set.nr_hw_queues, calls, exits);
	if (!err) {
		exits = 0;
		blk_mq_free_tag_set(&set);
		pr_info("tagsets: freed with %d exits\n", exits);
	}
}

static void show(struct request_queue *q, const char *what)
{
	struct queue_limits *l = &q->limits;

	pr_info("tagsets: %s: sectors %u hw %u dev %u logical %u physical %u io_min %u segments %u size %u dma %u\n", what, l->max_sectors,
		l->max_hw_sectors, l->max_dev_sectors, l->logical_block_size, l->physical_block_size, l->io_min, l->max_segments, l->max_segment_size, l->dma_alignment);
}

static void free_disk(struct gendisk *disk)
{
	pr_info("tagsets: free_disk %s\n", disk->disk_name);
}

static const struct block_device_operations fops = { .owner = THIS_MODULE, .free_disk = free_disk };

static struct gendisk *disk(const char *name)
{
	struct gendisk *d = blk_alloc_disk(NUMA_NO_NODE);

	strscpy(d->disk_name, name, DISK_NAME_LEN);
	d->fops = &fops;
	return d;
}

static int __init tagsets_init(void)
{
	struct request_queue *q;
	struct gendisk *a, *b;

	try("plain", &ops, 1, 2, 0);
	try("no queue", &ops, 0, 2, 0);
	try("no depth", &ops, 1, 0, 0);
	try("reserved as many", &ops, 1, 2, 2);
	try("reserved more", &ops, 1, 2, 3);
	try("no queue_rq", &no_queue_rq, 1, 2, 0);
	try("deep", &plain, 8, 20000, 0);
	fail_at = 1;
	try("second fails", &ops, 1, 8, 0);
	fail_at = -1; fail_from = 3;
	try("fourth and later fail", &ops, 1, 8, 0);
	fail_from = 0;
	try("all fail", &ops, 1, 8, 0);
	try("all fail, 2 reserved", &ops, 1, 8, 2);
	fail_from = -1;

	memset(&set, 0, sizeof(set));
	set.ops = &ops; set.nr_hw_queues = 1; set.queue_depth = 2; set.numa_node = NUMA_NO_NODE; set.driver_data = &set;
	blk_mq_alloc_tag_set(&set);
	q = blk_mq_init_queue(&set);
	show(q, "new");
	blk_queue_max_hw_sectors(q, 1024); show(q, "hw 1024");
	blk_queue_max_hw_sectors(q, 65536); show(q, "hw 65536");
	blk_queue_max_hw_sectors(q, 1); show(q, "hw 1");
	blk_queue_logical_block_size(q, 4096); show(q, "logical 4096");
	blk_queue_max_hw_sectors(q, 1001); show(q, "hw 1001");
	blk_queue_physical_block_size(q, 512); show(q, "physical 512");
	blk_queue_io_min(q, 16384); show(q, "io_min 16384");
	blk_queue_io_min(q, 512); show(q, "io_min 512");
	pr_info("tagsets: flag %d\n", blk_queue_flag_test_and_set(9, q));
	pr_info("tagsets: flag %d\n", blk_queue_flag_test_and_set(9, q));
	blk_queue_flag_clear(9, q);
	blk_mq_destroy_queue(q);
	blk_put_queue(q);
	blk_mq_free_tag_set(&set);

	a = disk("never");
	put_disk(a);
	a = disk("testa");
	pr_info("tagsets: add %d\n", device_add_disk(NULL, a, NULL));
	b = disk("testb");
	pr_info("tagsets: add %d\n", device_add_disk(NULL, b, NULL));
	pr_info("tagsets: %d:%d %d:%d\n", a->major, a->first_minor, b->major, b->first_minor);
	pr_info("tagsets: notify %d\n", set_capacity_and_notify(a, 2048));
	pr_info("tagsets: notify %d\n", set_capacity_and_notify(a, 4096));
	pr_info("tagsets: notify %d\n", set_capacity_and_notify(a, 4096));
	del_gendisk(a);
	pr_info("tagsets: deleted\n");
	pr_info("tagsets: notify %d\n", set_capacity_and_notify(a, 8192));
	put_disk(a);
	a = disk("testc");
	pr_info("tagsets: add %d\n", device_add_disk(NULL, a, NULL));
	pr_info("tagsets: %d:%d\n", a->major, a->first_minor);
	del_gendisk(a);
	del_gendisk(b);
	put_disk(a);
	put_disk(b);
	return 0;
}

static void __exit tagsets_exit(void)
{
}

module_init(tagsets_init);
module_exit(tagsets_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("What the block layer says of tag sets, queues and disks");
