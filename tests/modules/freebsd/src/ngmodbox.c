/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A netgraph node type, modbox: what comes in by hook `left` goes out by `right` and the other way round, counted. Control messages
 * ask for the counts and clear them.
 */
#include <sys/param.h>
#include <sys/kernel.h>
#include <sys/malloc.h>
#include <sys/mbuf.h>
#include <sys/module.h>
#include <sys/systm.h>
#include <netgraph/ng_message.h>
#include <netgraph/netgraph.h>
#include <netgraph/ng_parse.h>

#define	NGM_MODBOX_COOKIE	1733000000
enum { NGM_MODBOX_GET = 1, NGM_MODBOX_CLEAR };

struct ngmodbox_counts {
	uint64_t packets;
	uint64_t octets;
};

struct ngmodbox_private {
	hook_p left;
	hook_p right;
	struct ngmodbox_counts counts;
};

static const struct ng_parse_struct_field ngmodbox_fields[] = {
	{ "packets", &ng_parse_uint64_type },
	{ "octets", &ng_parse_uint64_type },
	{ NULL }
};
static const struct ng_parse_type ngmodbox_counts_type = { &ng_parse_struct_type, &ngmodbox_fields };
static const struct ng_cmdlist ngmodbox_commands[] = {
	{ NGM_MODBOX_COOKIE, NGM_MODBOX_GET, "getcounts", NULL, &ngmodbox_counts_type },
	{ NGM_MODBOX_COOKIE, NGM_MODBOX_CLEAR, "clear", NULL, NULL },
	{ 0 }
};

static int
ngmodbox_constructor(node_p node)
{
	struct ngmodbox_private *priv = malloc(sizeof(*priv), M_NETGRAPH, M_WAITOK | M_ZERO);

	NG_NODE_SET_PRIVATE(node, priv);
	return (0);
}

static int
ngmodbox_rcvmsg(node_p node, item_p item, hook_p lasthook)
{
	struct ngmodbox_private *priv = NG_NODE_PRIVATE(node);
	struct ng_mesg *msg, *resp = NULL;
	int error = 0;

	NGI_GET_MSG(item, msg);
	if (msg->header.typecookie != NGM_MODBOX_COOKIE)
		error = EINVAL;
	else if (msg->header.cmd == NGM_MODBOX_GET) {
		NG_MKRESPONSE(resp, msg, sizeof(priv->counts), M_NOWAIT);
		if (resp == NULL)
			error = ENOMEM;
		else
			memcpy(resp->data, &priv->counts, sizeof(priv->counts));
	} else if (msg->header.cmd == NGM_MODBOX_CLEAR)
		memset(&priv->counts, 0, sizeof(priv->counts));
	else
		error = EINVAL;
	NG_RESPOND_MSG(error, node, item, resp);
	NG_FREE_MSG(msg);
	return (error);
}

static int
ngmodbox_newhook(node_p node, hook_p hook, const char *name)
{
	struct ngmodbox_private *priv = NG_NODE_PRIVATE(node);
	hook_p *place;

	if (strcmp(name, "left") == 0)
		place = &priv->left;
	else if (strcmp(name, "right") == 0)
		place = &priv->right;
	else
		return (EINVAL);
	if (*place != NULL)
		return (EISCONN);
	*place = hook;
	return (0);
}

static int
ngmodbox_rcvdata(hook_p hook, item_p item)
{
	struct ngmodbox_private *priv = NG_NODE_PRIVATE(NG_HOOK_NODE(hook));
	hook_p out = hook == priv->left ? priv->right : priv->left;
	int error;

	priv->counts.packets++;
	priv->counts.octets += NGI_M(item)->m_pkthdr.len;
	if (out == NULL) {
		NG_FREE_ITEM(item);
		return (ENOTCONN);
	}
	NG_FWD_ITEM_HOOK(error, item, out);
	return (error);
}

static int
ngmodbox_disconnect(hook_p hook)
{
	node_p node = NG_HOOK_NODE(hook);
	struct ngmodbox_private *priv = NG_NODE_PRIVATE(node);

	if (hook == priv->left)
		priv->left = NULL;
	else
		priv->right = NULL;
	if (NG_NODE_NUMHOOKS(node) == 0 && NG_NODE_IS_VALID(node))
		ng_rmnode_self(node);
	return (0);
}

static int
ngmodbox_shutdown(node_p node)
{
	free(NG_NODE_PRIVATE(node), M_NETGRAPH);
	NG_NODE_SET_PRIVATE(node, NULL);
	NG_NODE_UNREF(node);
	return (0);
}

static struct ng_type ngmodbox_type = {
	.version = NG_ABI_VERSION,
	.name = "modbox",
	.constructor = ngmodbox_constructor,
	.rcvmsg = ngmodbox_rcvmsg,
	.shutdown = ngmodbox_shutdown,
	.newhook = ngmodbox_newhook,
	.rcvdata = ngmodbox_rcvdata,
	.disconnect = ngmodbox_disconnect,
	.cmdlist = ngmodbox_commands,
};
NETGRAPH_INIT(modbox, &ngmodbox_type);
