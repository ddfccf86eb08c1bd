// SPDX-License-Identifier: GPL-2.0
/* Calls the kernel's allocators and logs what can be compared: sizes, contents, alignment, never addresses. */
#define pr_fmt(fmt) "libuser_mem: " fmt
#include <linux/gfp.h>
#include <linux/highmem.h>
#include <linux/io.h>
#include <linux/mempool.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vmalloc.h>
#include "libuser.h"

static bool all(const void *p, int c, size_t n)
{
	return !memchr_inv(p, c, n);
}

static void test_kmalloc(void)
{
	static const size_t sizes[] = { 1, 8, 9, 16, 24, 64, 65, 96, 100, 128, 192, 200, 1000, 2048, 4096, 5000, 8192, 8193, 100000 };
	char *p, *q;
	int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		p = kmalloc(sizes[i], GFP_KERNEL);
		if (!p) {
			pr_err("kmalloc(%zu) gives nothing\n", sizes[i]);
			continue;
		}
		memset(p, 0x5a, sizes[i]);
		pr_info("kmalloc(%zu) has ksize %zu, valid %d, vmalloc %d, zeroes of kzalloc %d\n", sizes[i], ksize(p), virt_addr_valid(p),
			is_vmalloc_addr(p), (q = kzalloc(HIDE(sizes[i] + 0), GFP_ATOMIC), q && all(q, 0, sizes[i])));
		kfree(q);
		kfree(p);
	}
	for (i = 8; i <= 4096; i *= 2) {
		p = kmalloc(HIDE((size_t)i), GFP_KERNEL);
		if (!p || !IS_ALIGNED((unsigned long)p, i))
			pr_err("kmalloc(%d) is not aligned\n", i);
		kfree(p);
	}
	p = kmalloc(HIDE((size_t)0), GFP_KERNEL);
	pr_info("kmalloc(0) is %px, ZERO_OR_NULL_PTR %d, ksize %zu\n", p, ZERO_OR_NULL_PTR(p), ksize(p));
	kfree(p);
	kfree(NULL);
	pr_info("kmalloc_array overflow %px\n", kmalloc_array(HIDE(SIZE_MAX / 2), 3, GFP_KERNEL));
	pr_info("kmalloc too large %px\n", kmalloc(HIDE((size_t)64 << 20), GFP_KERNEL | __GFP_NOWARN));

	p = kmalloc(HIDE((size_t)10), GFP_KERNEL);
	memcpy(p, "012345678", 10);
	q = krealloc(p, 14, GFP_KERNEL);
	pr_info("krealloc in place %d \"%s\"\n", p == q, q);
	p = krealloc(q, 5000, GFP_KERNEL | __GFP_ZERO);
	pr_info("krealloc moved %d \"%s\" ksize %zu\n", p != q, p, ksize(p));
	q = krealloc(p, 0, GFP_KERNEL);
	pr_info("krealloc to 0 %px\n", q);
	p = krealloc(NULL, 20, GFP_KERNEL);
	pr_info("krealloc of NULL %d\n", p != NULL);
	kfree_sensitive(p);
	p = kcalloc(10, 7, GFP_KERNEL);
	pr_info("kcalloc zero %d ksize %zu\n", all(p, 0, 70), ksize(p));
	kfree(p);
	p = kmemdup("\1\2\3", 4, GFP_KERNEL);
	pr_info("kmemdup %4ph\n", p);
	kfree(p);
	p = kmalloc_node(HIDE((size_t)50), GFP_KERNEL, 0);
	pr_info("kmalloc_node %d\n", p != NULL);
	kfree(p);
}

static void test_vmalloc(void)
{
	char *p = vmalloc(5 * PAGE_SIZE + 1), *q = vzalloc(PAGE_SIZE), *k;
	struct page *page, *pages[3];
	int i;

	pr_info("vmalloc %d aligned %d is_vmalloc_addr %d\n", p != NULL, PAGE_ALIGNED(p), is_vmalloc_addr(p));
	memset(p, 7, 5 * PAGE_SIZE + 1);
	page = vmalloc_to_page(p + PAGE_SIZE);
	pr_info("vmalloc_to_page sees %d\n", page && ((char *)page_address(page))[5] == 7);
	pr_info("vzalloc zero %d\n", all(q, 0, PAGE_SIZE));
	vfree(q);
	vfree(p);
	vfree(NULL);
	p = kvmalloc(HIDE((size_t)100), GFP_KERNEL);
	q = kvzalloc(HIDE((size_t)8 << 20), GFP_KERNEL);
	pr_info("kvmalloc small vmalloc %d large vmalloc %d zero %d\n", is_vmalloc_addr(p), is_vmalloc_addr(q), all(q, 0, 8 << 20));
	kvfree(q);
	kvfree(p);

	for (i = 0; i < 3; i++) {
		pages[i] = alloc_page(GFP_KERNEL);
		memset(page_address(pages[i]), 'a' + i, PAGE_SIZE);
	}
	p = vmap(pages, 3, VM_MAP, PAGE_KERNEL);
	pr_info("vmap reads %c%c%c\n", p[0], p[PAGE_SIZE], p[2 * PAGE_SIZE]);
	p[PAGE_SIZE] = '!';
	k = kmap_local_page(pages[1]);
	pr_info("written through the mapping %c\n", k[0]);
	kunmap_local(k);
	vunmap(p);
	for (i = 0; i < 3; i++)
		__free_page(pages[i]);
}

static void test_pages(void)
{
	unsigned long addr = __get_free_pages(GFP_KERNEL | __GFP_ZERO, 2);
	struct page *page = virt_to_page(addr), *other;

	pr_info("pages zero %d, page_address %d, pfn %d, phys %d, count %d, order-aligned %d\n", all((void *)addr, 0, 4 * PAGE_SIZE),
		(unsigned long)page_address(page) == addr, page_to_pfn(page) == virt_to_phys((void *)addr) >> PAGE_SHIFT,
		__va(__pa(addr)) == (void *)addr, page_count(page), IS_ALIGNED(addr, 4 * PAGE_SIZE));
	get_page(page);
	pr_info("count %d\n", page_count(page));
	put_page(page);
	free_pages(addr, 2);
	addr = get_zeroed_page(GFP_KERNEL);
	pr_info("get_zeroed_page %d\n", all((void *)addr, 0, PAGE_SIZE));
	free_page(addr);
	other = alloc_pages(GFP_KERNEL | __GFP_COMP, 1);
	pr_info("compound %d order %u head %d\n", PageCompound(other), compound_order(other), compound_head(other + 1) == other);
	__free_pages(other, 1);
	addr = (unsigned long)alloc_pages_exact(3 * PAGE_SIZE, GFP_KERNEL);
	pr_info("alloc_pages_exact %d\n", addr != 0);
	free_pages_exact((void *)addr, 3 * PAGE_SIZE);
}

struct thing {
	u32 magic;
	char name[40];
};

static int constructed;

static void thing_ctor(void *p)
{
	struct thing *thing = p;

	thing->magic = 0x7417;
	constructed++;
}

static void test_cache(void)
{
	struct kmem_cache *cache = kmem_cache_create("modbox_thing", sizeof(struct thing), 0, SLAB_HWCACHE_ALIGN, thing_ctor);
	struct thing *things[5];
	void *bulk[4];
	mempool_t *pool;
	int i, ok = 0;

	if (!cache)
		return;
	for (i = 0; i < 5; i++) {
		things[i] = kmem_cache_alloc(cache, GFP_KERNEL);
		ok += things[i] && things[i]->magic == 0x7417;
	}
	pr_info("kmem_cache size %u, %d of 5 constructed, ctor ran at least 5 times %d, apart %d\n", kmem_cache_size(cache), ok, constructed >= 5,
		abs((int)((char *)things[1] - (char *)things[0])) >= 64);
	for (i = 0; i < 5; i++)
		kmem_cache_free(cache, things[i]);
	i = kmem_cache_alloc_bulk(cache, GFP_KERNEL, 4, bulk);
	pr_info("bulk %d\n", i);
	kmem_cache_free_bulk(cache, i, bulk);
	pr_info("shrink %d\n", kmem_cache_shrink(cache));
	pool = mempool_create_slab_pool(3, cache);
	if (pool) {
		things[0] = mempool_alloc(pool, GFP_KERNEL);
		pr_info("mempool %d min %d free %d\n", things[0] != NULL, pool->min_nr, pool->curr_nr);
		mempool_free(things[0], pool);
		mempool_destroy(pool);
	}
	kmem_cache_destroy(cache);
	cache = KMEM_CACHE(thing, 0);
	things[0] = kmem_cache_zalloc(cache, GFP_KERNEL);
	pr_info("zalloc zero %d\n", all(things[0], 0, sizeof(struct thing)));
	kmem_cache_free(cache, things[0]);
	kmem_cache_destroy(cache);
}

static DEFINE_PER_CPU(int, counted) = 5;

static void test_percpu(void)
{
	u64 __percpu *p = alloc_percpu(u64);
	int cpu;

	this_cpu_add(counted, 3);
	this_cpu_inc(counted);
	pr_info("static per-cpu %d\n", this_cpu_read(counted));
	for_each_possible_cpu(cpu)
		*per_cpu_ptr(p, cpu) += cpu + 1;
	this_cpu_add(*p, 10);
	pr_info("alloc_percpu %llu\n", *per_cpu_ptr(p, 0));
	free_percpu(p);
}

static int __init libuser_mem_init(void)
{
	test_kmalloc();
	test_vmalloc();
	test_pages();
	test_cache();
	test_percpu();
	return 0;
}

static void __exit libuser_mem_exit(void)
{
}

module_init(libuser_mem_init);
module_exit(libuser_mem_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Logs the results of memory functions");
