// SPDX-License-Identifier: GPL-2.0
/* Uses the crypto API's hashes, built in and its own, synchronously and over scatterlists; the log tells the results. */
#include <crypto/hash.h>
#include <crypto/internal/hash.h>
#include <crypto/skcipher.h>
#include <linux/module.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/version.h>

static const u8 key[] = "a key for a hash";

static void tell(const char *what, const char *name, int err, const u8 *out, unsigned int bytes)
{
	if (err)
		pr_info("digests: %s %s: %d\n", name, what, err);
	else
		pr_info("digests: %s %s: %*phN\n", name, what, bytes, out);
}

/* A hash of the module's own that wants its data aligned: a sum of bytes, shifted. */
static int sum_init(struct shash_desc *desc)
{
	*(u32 *)shash_desc_ctx(desc) = 0x1234;
	return 0;
}

static int sum_update(struct shash_desc *desc, const u8 *data, unsigned int len)
{
	u32 *sum = shash_desc_ctx(desc);

	if ((unsigned long)data & crypto_shash_alignmask(desc->tfm))
		pr_info("digests: modboxsum: unaligned data\n");
	while (len--)
		*sum = rol32(*sum, 5) + *data++;
	return 0;
}

static int sum_final(struct shash_desc *desc, u8 *out)
{
	*(u32 *)out = *(u32 *)shash_desc_ctx(desc);
	return 0;
}

static struct shash_alg sum = {
	.digestsize = 4,
	.init = sum_init,
	.update = sum_update,
	.final = sum_final,
	.descsize = 4,
	.base = {
		.cra_name = "modboxsum",
		.cra_driver_name = "modboxsum-own",
		.cra_priority = 10,
		.cra_blocksize = 4,
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 7, 0)
		.cra_alignmask = 3,
#endif
		.cra_module = THIS_MODULE,
	},
};

static void plain(const char *name)
{
	struct crypto_shash *tfm = crypto_alloc_shash(name, 0, 0);
	u8 *state, out[64];
	int err;

	if (IS_ERR(tfm)) {
		pr_info("digests: %s: %ld\n", name, PTR_ERR(tfm));
		return;
	}
	pr_info("digests: %s is %s, priority %d, block %u, digest %u, state %u, desc %u, flags %x\n", name,
		crypto_shash_driver_name(tfm), crypto_shash_alg(tfm)->base.cra_priority, crypto_shash_blocksize(tfm),
		crypto_shash_digestsize(tfm), crypto_shash_statesize(tfm), crypto_shash_descsize(tfm),
		crypto_shash_get_flags(tfm));
	tell("without a key", name, crypto_shash_tfm_digest(tfm, "abc", 3, out), out, crypto_shash_digestsize(tfm));
	tell("key", name, crypto_shash_setkey(tfm, key, 16), out, 0);
	tell("digest", name, crypto_shash_tfm_digest(tfm, "abc", 3, out), out, crypto_shash_digestsize(tfm));
	state = kzalloc(crypto_shash_statesize(tfm), GFP_KERNEL);
	{
		SHASH_DESC_ON_STACK(desc, tfm);

		desc->tfm = tfm;
		err = crypto_shash_init(desc) ?: crypto_shash_update(desc, key + 1, 15) ?: crypto_shash_export(desc, state);
		tell("state", name, err, state, min(crypto_shash_statesize(tfm), 40u));
		err = crypto_shash_init(desc) ?: crypto_shash_import(desc, state) ?: crypto_shash_finup(desc, "abc", 3, out);
		tell("resumed", name, err, out, crypto_shash_digestsize(tfm));
	}
	kfree(state);
	crypto_free_shash(tfm);
}

static void scattered(const char *name)
{
	struct crypto_ahash *tfm = crypto_alloc_ahash(name, 0, 0);
	struct ahash_request *req;
	struct scatterlist sg[3];
	u8 *data, out[64];
	int i;

	if (IS_ERR(tfm)) {
		pr_info("digests: ahash %s: %ld\n", name, PTR_ERR(tfm));
		return;
	}
	pr_info("digests: ahash %s: request %u, state %u, digest %u, flags %x\n", name, crypto_ahash_reqsize(tfm),
		crypto_ahash_statesize(tfm), crypto_ahash_digestsize(tfm), crypto_ahash_get_flags(tfm));
	req = ahash_request_alloc(tfm, GFP_KERNEL);
	data = kmalloc(12288, GFP_KERNEL);
	for (i = 0; i < 12288; i++)
		data[i] = i * 3;
	sg_init_table(sg, 3);
	sg_set_buf(&sg[0], data + 5, 1);
	sg_set_buf(&sg[1], data + 4000, 5000);
	memcpy(data + 9216, key, 16);
	sg_set_buf(&sg[2], data + 9216, 16);
	ahash_request_set_callback(req, 0, NULL, NULL);
	ahash_request_set_crypt(req, sg, out, 5010);
	tell("ahash without a key", name, crypto_ahash_digest(req), out, crypto_ahash_digestsize(tfm));
	tell("ahash key", name, crypto_ahash_setkey(tfm, key, 3), out, 0);
	tell("ahash digest", name, crypto_ahash_digest(req), out, crypto_ahash_digestsize(tfm));
	tell("ahash steps", name, crypto_ahash_init(req) ?: crypto_ahash_update(req) ?: crypto_ahash_final(req), out,
	     crypto_ahash_digestsize(tfm));
	tell("ahash finup", name, crypto_ahash_init(req) ?: crypto_ahash_finup(req), out, crypto_ahash_digestsize(tfm));
	ahash_request_set_crypt(req, sg, out, 0);
	tell("ahash of nothing", name, crypto_ahash_digest(req), out, crypto_ahash_digestsize(tfm));
	kfree(data);
	ahash_request_free(req);
	crypto_free_ahash(tfm);
}

static void mode(const char *name)
{
	struct crypto_skcipher *tfm = crypto_alloc_skcipher(name, 0, CRYPTO_ALG_ASYNC);
	struct skcipher_request *req;
	struct scatterlist sg[2];
	u8 *data, iv[16] = "initial vector.";
	int err;

	if (IS_ERR(tfm)) {
		pr_info("digests: skcipher %s: %ld\n", name, PTR_ERR(tfm));
		return;
	}
	pr_info("digests: skcipher %s is %s, iv %u, block %u, request %u\n", name,
		crypto_tfm_alg_driver_name(crypto_skcipher_tfm(tfm)), crypto_skcipher_ivsize(tfm),
		crypto_skcipher_blocksize(tfm), crypto_skcipher_reqsize(tfm));
	req = skcipher_request_alloc(tfm, GFP_KERNEL);
	data = kmalloc(64, GFP_KERNEL);
	memset(data, 7, 64);
	sg_init_table(sg, 2);
	sg_set_buf(&sg[0], data, 10);
	sg_set_buf(&sg[1], data + 10, 38);
	skcipher_request_set_callback(req, 0, NULL, NULL);
	skcipher_request_set_crypt(req, sg, sg, 48, iv);
	tell("encrypted without a key", name, crypto_skcipher_encrypt(req), data, 48);
	tell("short key", name, crypto_skcipher_setkey(tfm, key, 15), data, 0);
	tell("key", name, crypto_skcipher_setkey(tfm, key, 16), data, 0);
	err = crypto_skcipher_encrypt(req);
	tell("encrypted", name, err, data, 48);
	tell("iv", name, 0, iv, 16);
	memcpy(iv, "initial vector.", 16);
	err = crypto_skcipher_decrypt(req);
	tell("decrypted", name, err, data, 48);
	skcipher_request_set_crypt(req, sg, sg, 20, iv);
	tell("half a block", name, crypto_skcipher_encrypt(req), data, 20);
	kfree(data);
	skcipher_request_free(req);
	crypto_free_skcipher(tfm);
}

static int __init digests_init(void)
{
	static const char *const names[] = { "md5", "sha1", "sha1-generic", "sha224", "sha256", "hmac(md5)", "hmac(sha1)", "hmac(sha256)",
		"modboxsum", "hmac(modboxsum)", "hmac(hmac(sha1))", "hmac(nothing)", "hmac()", "nothing(sha1)" };
	int i, err = crypto_register_shash(&sum);

	if (err)
		return err;
	for (i = 0; i < ARRAY_SIZE(names); i++)
		plain(names[i]);
	scattered("sha256");
	scattered("hmac(sha1)");
	scattered("modboxsum");
	scattered("hmac(nothing)");
	mode("cbc(aes)");
	pr_info("digests: has sha256 %d, md6 %d, ahash sha1 %d\n", crypto_has_alg("sha256", 0, 0),
		crypto_has_alg("md6", 0, 0), crypto_has_ahash("sha1", 0, 0));
	return 0;
}

static void __exit digests_exit(void)
{
	crypto_unregister_shash(&sum);
}

module_init(digests_init);
module_exit(digests_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("uses hashes of the crypto API");
