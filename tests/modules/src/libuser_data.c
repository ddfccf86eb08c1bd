// SPDX-License-Identifier: GPL-2.0
/* Calls the kernel's data structures (lists, trees, idr, xarray, fifo, bitmaps, sort, random) and logs what they give. */
#define pr_fmt(fmt) "libuser_data: " fmt
#include <linux/bitmap.h>
#include <linux/bsearch.h>
#include <linux/gcd.h>
#include <linux/hash.h>
#include <linux/hashtable.h>
#include <linux/idr.h>
#include <linux/kernel.h>
#include <linux/kfifo.h>
#include <linux/kref.h>
#include <linux/lcm.h>
#include <linux/list.h>
#include <linux/list_sort.h>
#include <linux/llist.h>
#include <linux/log2.h>
#include <linux/module.h>
#include <linux/prandom.h>
#include <linux/radix-tree.h>
#include <linux/random.h>
#include <linux/rbtree.h>
#include <linux/refcount.h>
#include <linux/siphash.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/xarray.h>
#include "libuser.h"

struct node {
	struct list_head list;
	struct hlist_node hash;
	struct llist_node lock_free;
	struct rb_node rb;
	int key, order;
};

static struct node nodes[10];
static const int keys[10] = { 50, 20, 80, 10, 30, 70, 90, 20, 60, 40 };

static void say(const char *what, const int *values, int n)
{
	char text[120];
	int i, at = 0;

	for (i = 0; i < n; i++)
		at += scnprintf(text + at, sizeof(text) - at, " %d", values[i]);
	pr_info("%s:%s\n", what, n ? text : " nothing");
}

static int by_key(void *priv, const struct list_head *a, const struct list_head *b)
{
	return list_entry(a, struct node, list)->key - list_entry(b, struct node, list)->key;
}

static void say_list(const char *what, struct list_head *head)
{
	struct node *node;
	int values[20], n = 0;

	list_for_each_entry(node, head, list)
		values[n++] = node->key * 10 + node->order;
	say(what, values, n);
}

static void test_list(void)
{
	LIST_HEAD(head);
	LIST_HEAD(other);
	DEFINE_HASHTABLE(table, 3);
	struct llist_head llist = LLIST_HEAD_INIT(llist);
	struct llist_node *all;
	struct node *node, *tmp;
	int i, n, values[10];

	for (i = 0; i < 10; i++) {
		nodes[i].key = keys[i];
		nodes[i].order = i;
		if (i % 2)
			list_add_tail(&nodes[i].list, &head);
		else
			list_add(&nodes[i].list, &head);
	}
	say_list("list", &head);
	list_sort(NULL, &head, by_key);
	say_list("list_sort", &head);
	list_move_tail(&nodes[0].list, &other);
	list_move(&nodes[5].list, &other);
	list_del_init(&nodes[1].list);
	say_list("moved", &other);
	list_splice_tail_init(&other, &head);
	list_rotate_left(&head);
	say_list("spliced and rotated", &head);
	pr_info("empty %d %d singular %d\n", list_empty(&head), list_empty(&other), list_is_singular(&head));

	hash_init(table);
	for (i = 0; i < 10; i++)
		hash_add(table, &nodes[i].hash, nodes[i].key);
	n = 0;
	hash_for_each_possible(table, node, hash, 20)
		if (node->key == 20)
			values[n++] = node->order;
	say("hash", values, n);
	pr_info("hash_32 %u hash_64 %u\n", hash_32(HIDE(1234U), 10), hash_64(HIDE(1234567890123ULL), 12));

	for (i = 0; i < 4; i++)
		llist_add(&nodes[i].lock_free, &llist);
	all = llist_reverse_order(llist_del_all(&llist));
	n = 0;
	llist_for_each_entry_safe(node, tmp, all, lock_free)
		values[n++] = node->key;
	say("llist", values, n);
}

static void test_rbtree(void)
{
	struct rb_root root = RB_ROOT;
	struct rb_node **link, *parent, *rb;
	int i, n, values[10];

	for (i = 0; i < 10; i++) {
		link = &root.rb_node;
		parent = NULL;
		while (*link) {
			parent = *link;
			link = nodes[i].key < rb_entry(parent, struct node, rb)->key ? &parent->rb_left : &parent->rb_right;
		}
		rb_link_node(&nodes[i].rb, parent, link);
		rb_insert_color(&nodes[i].rb, &root);
	}
	for (n = 0, rb = rb_first(&root); rb; rb = rb_next(rb))
		values[n++] = rb_entry(rb, struct node, rb)->key;
	say("rbtree", values, n);
	rb_erase(&nodes[0].rb, &root);
	rb_erase(&nodes[6].rb, &root);
	for (n = 0, rb = rb_last(&root); rb; rb = rb_prev(rb))
		values[n++] = rb_entry(rb, struct node, rb)->key;
	say("rbtree backwards", values, n);
	nodes[0].key = 20;
	rb_replace_node(&nodes[1].rb, &nodes[0].rb, &root);
	for (n = 0, rb = rb_first_postorder(&root); rb; rb = rb_next_postorder(rb))
		values[n++] = rb_entry(rb, struct node, rb)->key;
	say("rbtree postorder", values, n);
	pr_info("rbtree root %d\n", rb_entry(root.rb_node, struct node, rb)->key);
	nodes[0].key = keys[0];
}

static int note_id(int id, void *p, void *data)
{
	int *n = data;

	n[1 + n[0]++] = id;
	return 0;
}

static void test_ids(void)
{
	DEFINE_IDR(idr);
	DEFINE_IDA(ida);
	int seen[12] = {}, ids[8], i, id;
	void *p;

	ids[0] = idr_alloc(&idr, &nodes[0], 0, 0, GFP_KERNEL);
	ids[1] = idr_alloc(&idr, &nodes[1], 5, 7, GFP_KERNEL);
	ids[2] = idr_alloc(&idr, &nodes[2], 5, 7, GFP_KERNEL);
	ids[3] = idr_alloc(&idr, &nodes[3], 5, 7, GFP_KERNEL);
	ids[4] = idr_alloc_cyclic(&idr, &nodes[4], 100, 0, GFP_KERNEL);
	ids[5] = idr_alloc_cyclic(&idr, &nodes[5], 100, 0, GFP_KERNEL);
	idr_preload(GFP_KERNEL);
	ids[6] = idr_alloc(&idr, &nodes[6], 70000, 0, GFP_NOWAIT);
	idr_preload_end();
	say("idr_alloc", ids, 7);
	pr_info("idr_find %d %d replace %d\n", idr_find(&idr, 6) == &nodes[2], idr_find(&idr, 7) == NULL,
		idr_replace(&idr, &nodes[9], 6) == &nodes[2]);
	idr_for_each(&idr, note_id, seen);
	say("idr_for_each", seen + 1, seen[0]);
	id = 6;
	p = idr_get_next(&idr, &id);
	pr_info("idr_get_next %d %d\n", id, p == &nodes[9]);
	idr_remove(&idr, 5);
	i = 0;
	idr_for_each_entry(&idr, p, id)
		ids[i++] = id;
	say("idr after removal", ids, i);
	idr_destroy(&idr);
	pr_info("idr empty %d\n", idr_is_empty(&idr));

	ids[0] = ida_alloc(&ida, GFP_KERNEL);
	ids[1] = ida_alloc_min(&ida, 200, GFP_KERNEL);
	ids[2] = ida_alloc_range(&ida, 0, 1, GFP_KERNEL);
	ids[3] = ida_alloc_max(&ida, 1, GFP_KERNEL);
	ida_free(&ida, 0);
	ids[4] = ida_alloc(&ida, GFP_KERNEL);
	ids[5] = ida_alloc(&ida, GFP_KERNEL);
	say("ida", ids, 6);
	ida_destroy(&ida);
}

static void test_xarray(void)
{
	DEFINE_XARRAY_ALLOC(xa);
	RADIX_TREE(radix, GFP_KERNEL);
	XA_STATE(xas, &xa, 0);
	unsigned long index;
	void *entry, *found[4];
	u32 id;
	int n, values[12];

	pr_info("xa_store %d %d\n", xa_err(xa_store(&xa, 3, xa_mk_value(33), GFP_KERNEL)), xa_err(xa_store(&xa, 1000000, &nodes[1], GFP_KERNEL)));
	pr_info("xa_load %lu %d %d\n", xa_to_value(xa_load(&xa, 3)), xa_load(&xa, 1000000) == &nodes[1], xa_load(&xa, 4) == NULL);
	pr_info("xa_alloc %d", xa_alloc(&xa, &id, &nodes[2], xa_limit_32b, GFP_KERNEL));
	pr_cont(" id %u\n", id);
	pr_info("xa_insert %d %d\n", xa_insert(&xa, 3, &nodes[3], GFP_KERNEL), xa_insert(&xa, 64, &nodes[3], GFP_KERNEL));
	pr_info("xa_cmpxchg %d\n", xa_cmpxchg(&xa, 64, &nodes[3], &nodes[4], GFP_KERNEL) == &nodes[3]);
	xa_set_mark(&xa, 64, XA_MARK_1);
	xa_set_mark(&xa, 1000000, XA_MARK_1);
	n = 0;
	xa_for_each(&xa, index, entry)
		values[n++] = index;
	say("xa_for_each", values, n);
	n = 0;
	xa_for_each_marked(&xa, index, entry, XA_MARK_1)
		values[n++] = index;
	say("xa_for_each_marked", values, n);
	index = 4;
	entry = xa_find(&xa, &index, ULONG_MAX, XA_PRESENT);
	pr_info("xa_find %lu %d mark %d %d\n", index, entry == &nodes[4], xa_get_mark(&xa, 64, XA_MARK_1), xa_get_mark(&xa, 3, XA_MARK_1));
	n = xa_extract(&xa, found, 0, ULONG_MAX, 3, XA_PRESENT);
	pr_info("xa_extract %d\n", n);
	rcu_read_lock();
	n = 0;
	xas_for_each(&xas, entry, 100)
		values[n++] = xas.xa_index;
	rcu_read_unlock();
	say("xas_for_each", values, n);
	values[0] = xa_erase(&xa, 64) == &nodes[4];
	values[1] = xa_erase(&xa, 64) == NULL;
	pr_info("xa_erase %d, again %d\n", values[0], values[1]);
	xa_destroy(&xa);
	pr_info("xa_empty %d\n", xa_empty(&xa));

	values[0] = radix_tree_insert(&radix, 7, &nodes[0]);
	values[1] = radix_tree_insert(&radix, 7000, &nodes[1]);
	values[2] = radix_tree_insert(&radix, 7, &nodes[2]);
	pr_info("radix insert %d %d, again %d\n", values[0], values[1], values[2]);
	n = radix_tree_gang_lookup(&radix, found, 0, 4);
	pr_info("radix lookup %d gang %d delete %d\n", radix_tree_lookup(&radix, 7000) == &nodes[1], n, radix_tree_delete(&radix, 7) == &nodes[0]);
	radix_tree_delete(&radix, 7000);
}

static int cmp_int(const void *a, const void *b)
{
	return *(int *)a - *(int *)b;
}

static void swap_int(void *a, void *b, int size)
{
	swap(*(int *)a, *(int *)b);
}

struct odd { int key; char pad[7]; } __packed;

static void test_sort(void)
{
	struct odd odds[5] = { { 5, "five" }, { 3, "three" }, { 4, "four" }, { 1, "one" }, { 2, "two" } };
	int values[10], key = 60, *found;

	memcpy(values, keys, sizeof(keys));
	sort(values, 10, sizeof(int), cmp_int, NULL);
	say("sort", values, 10);
	found = bsearch(&key, values, 10, sizeof(int), cmp_int);
	pr_info("bsearch %d\n", found ? (int)(found - values) : -1);
	memcpy(values, keys, sizeof(keys));
	sort(values, 10, sizeof(int), cmp_int, swap_int);
	say("sort with swap", values, 10);
	sort(odds, 5, sizeof(odds[0]), cmp_int, NULL);
	pr_info("sort of 11 bytes: %s %s %s %s %s\n", odds[0].pad, odds[1].pad, odds[2].pad, odds[3].pad, odds[4].pad);
}

static void test_fifo(void)
{
	DECLARE_KFIFO(fifo, int, 8);
	struct kfifo bytes;
	char text[20];
	int i, value, values[8], n;

	INIT_KFIFO(fifo);
	for (i = 0; i < 10; i++)
		values[i % 8] = kfifo_put(&fifo, i * i);
	pr_info("kfifo len %u avail %u full %d last put %d\n", kfifo_len(&fifo), kfifo_avail(&fifo), kfifo_is_full(&fifo), values[1]);
	n = kfifo_get(&fifo, &value);
	pr_info("kfifo get %d %d", n, value);
	n = kfifo_peek(&fifo, &value);
	pr_cont(" peek %d %d\n", n, value);
	n = kfifo_out(&fifo, values, 4);
	say("kfifo out", values, n);
	if (kfifo_alloc(&bytes, 10, GFP_KERNEL))
		return;
	pr_info("kfifo_alloc size %u in %u\n", kfifo_size(&bytes), kfifo_in(&bytes, STR("twenty characters ok"), 20));
	n = kfifo_out_peek(&bytes, text, 5);
	pr_info("kfifo peek %.*s\n", n, text);
	n = kfifo_out(&bytes, text, sizeof(text));
	pr_info("kfifo out %.*s\n", n, text);
	kfifo_free(&bytes);
}

static void test_bits(void)
{
	DECLARE_BITMAP(a, 130);
	DECLARE_BITMAP(b, 130);
	DECLARE_BITMAP(c, 130);
	unsigned long *heap, bit;
	int n, values[20];

	bitmap_zero(a, 130);
	bitmap_zero(b, 130);
	bitmap_set(a, 60, 10);
	set_bit(129, a);
	pr_info("bitmap a %*pbl weight %d\n", 130, a, bitmap_weight(a, HIDE(130)));
	pr_info("parselist %d %*pbl\n", bitmap_parselist("0-3,62-65,100-110:2/5", b, 130), 130, b);
	pr_info("parselist bad %d\n", bitmap_parselist("5-3", c, 130));
	pr_info("parse %d %*pb\n", bitmap_parse("f,00ff00ff", 10, c, 64), 64, c);
	bitmap_zero(c, 130);
	pr_info("and %d %*pbl\n", bitmap_and(c, a, b, HIDE(130)), 130, c);
	bitmap_or(c, a, b, HIDE(130));
	pr_info("or %*pbl\n", 130, c);
	bitmap_xor(c, a, b, HIDE(130));
	pr_info("xor %*pbl\n", 130, c);
	pr_info("andnot %d %*pbl\n", bitmap_andnot(c, a, b, HIDE(130)), 130, c);
	bitmap_complement(c, a, HIDE(130));
	pr_info("complement weight %d\n", bitmap_weight(c, HIDE(130)));
	bitmap_shift_left(c, a, 3, HIDE(130));
	pr_info("shift left %*pbl\n", 130, c);
	bitmap_shift_right(c, a, 61, HIDE(130));
	pr_info("shift right %*pbl\n", 130, c);
	pr_info("equal %d subset %d intersects %d full %d empty %d\n", bitmap_equal(a, b, HIDE(130)), bitmap_subset(a, b, HIDE(130)),
		bitmap_intersects(a, b, HIDE(130)), bitmap_full(a, HIDE(130)), bitmap_empty(c, HIDE(130)));
	pr_info("find first %lu zero %lu next %lu zero %lu last %lu none %lu\n", find_first_bit(a, HIDE(130UL)), find_first_zero_bit(a, HIDE(130UL)),
		find_next_bit(a, HIDE(130UL), 70), find_next_zero_bit(a, HIDE(130UL), 60), find_last_bit(a, HIDE(130UL)), find_next_bit(a, HIDE(129UL), 70));
	n = 0;
	for_each_set_bit(bit, a, HIDE(130))
		values[n++] = bit;
	say("for_each_set_bit", values, n);
	pr_info("zero area %lu\n", bitmap_find_next_zero_area(a, 130, 55, 8, 0));
	pr_info("region %d", bitmap_find_free_region(b, 128, 3));
	pr_cont(" %*pbl\n", 130, b);
	heap = bitmap_zalloc(300, GFP_KERNEL);
	bitmap_set(heap, 0, 300);
	bitmap_clear(heap, 10, 280);
	pr_info("heap %*pbl\n", 300, heap);
	bitmap_free(heap);
	pr_info("hweight %u %lu fls %d %d ffs %d fls64 %d __ffs %lu\n", hweight32(HIDE(0xf0f0U)), hweight64(HIDE(0xffff00000000ffULL)), fls(HIDE(0x8000)), fls(HIDE(0)),
		ffs(HIDE(0x18)), fls64(HIDE(1ULL << 40)), __ffs(HIDE(0x100UL)));
	values[0] = test_and_set_bit(5, a);
	values[1] = test_and_set_bit(5, a);
	values[2] = test_and_clear_bit(5, a);
	values[3] = test_and_clear_bit(5, a);
	values[4] = test_and_change_bit(60, a);
	say("test_and_set twice, clear twice, change", values, 5);
}

static void put_node(struct kref *ref)
{
	pr_info("kref released\n");
}

static void test_numbers(void)
{
	static const siphash_key_t key = { { 0x0706050403020100ULL, 0x0f0e0d0c0b0a0908ULL } };
	static const u8 message[15] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14 };
	struct rnd_state rnd;
	struct kref kref;
	refcount_t ref = REFCOUNT_INIT(1);
	u32 values[4];
	u8 bytes[4], random[64];
	int i, low = 0;

	pr_info("int_sqrt %lu %lu gcd %lu lcm %lu\n", int_sqrt(HIDE(1000000UL)), int_sqrt(HIDE(99UL)), gcd(HIDE(84UL), HIDE(36UL)), lcm(HIDE(6UL), HIDE(8UL)));
	pr_info("ilog2 %d roundup_pow_of_two %lu rounddown %lu is %d\n", ilog2(HIDE(1000)), roundup_pow_of_two(HIDE(1000UL)), rounddown_pow_of_two(HIDE(1000UL)), is_power_of_2(HIDE(64UL)));
	pr_info("siphash %llx %llx %llx\n", siphash(message, 15, &key), siphash_1u64(HIDE(42ULL), &key), siphash_2u64(1, 2, &key));
	prandom_seed_state(&rnd, 12345);
	for (i = 0; i < 4; i++)
		values[i] = prandom_u32_state(&rnd);
	pr_info("prandom %u %u %u %u\n", values[0], values[1], values[2], values[3]);
	prandom_bytes_state(&rnd, bytes, 4);
	pr_info("prandom bytes %4ph\n", bytes);
	memset(random, 0, sizeof(random));
	get_random_bytes(random, sizeof(random));
	for (i = 0; i < 1000; i++)
		low += prandom_u32_max(10) < 10;
	pr_info("get_random_bytes filled %d bounded %d two u64 differ %d\n", memchr_inv(random, 0, sizeof(random)) != NULL, low, get_random_u64() != get_random_u64());
	kref_init(&kref);
	kref_get(&kref);
	pr_info("kref %u\n", kref_read(&kref));
	pr_info("kref put %d\n", kref_put(&kref, put_node));
	pr_info("kref put %d\n", kref_put(&kref, put_node));
	refcount_inc(&ref);
	pr_info("refcount %u\n", refcount_read(&ref));
	pr_info("refcount dec_and_test %d\n", refcount_dec_and_test(&ref));
	pr_info("refcount dec_and_test %d\n", refcount_dec_and_test(&ref));
	pr_info("refcount inc_not_zero %d\n", refcount_inc_not_zero(&ref));
}

static int __init libuser_data_init(void)
{
	test_list();
	test_rbtree();
	test_ids();
	test_xarray();
	test_sort();
	test_fifo();
	test_bits();
	test_numbers();
	return 0;
}

static void __exit libuser_data_exit(void)
{
}

module_init(libuser_data_init);
module_exit(libuser_data_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Logs the results of data structures");
