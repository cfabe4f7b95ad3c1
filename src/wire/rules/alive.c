#include "alive.h"

#include "../netlink.h"
#include "../own_table.h"
#include "rules_settings.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <libnftnl/common.h>
#include <libnftnl/object.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <pthread.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

/* Two messages with all elements, 44 bytes each at the longest, for either family. */
enum { TRANSACTION_MAX = 4 * 64 * PROXIES_MAX };

struct transaction {
	size_t length;
	alignas(struct nlmsghdr) char bytes[TRANSACTION_MAX];
};

/* Who waits for another transaction of this host does it with a lock in hand that nftables has but
 * once, for all network namespaces; and to close a socket of nftables, too, may take long. So there
 * is one socket, which stays open, and the threads take turns. */
struct alive {
	struct mnl_socket *socket;
	pthread_mutex_t turn;
	struct transaction renew; /* deletes and adds: adding alone does not start the time anew */
	struct transaction add;   /* for when there is nothing to delete */
	struct transaction withdraw;
};

/* The key of a concatenation: each field padded to 4 bytes. */
static void put_element(struct nlmsghdr *message, const struct address *proxy, bool with_timeout)
{
	const size_t length = address_is_ipv4(proxy) ? 4 : 16;
	const uint16_t port = htons(proxy->port);
	struct nlattr *element = mnl_attr_nest_start(message, NFTA_LIST_ELEM);
	struct nlattr *data = mnl_attr_nest_start(message, NFTA_SET_ELEM_KEY);
	char key[20] = {0};

	memcpy(key, proxy->ip + 16 - length, length);
	memcpy(key + length, &port, sizeof(port));
	mnl_attr_put(message, NFTA_DATA_VALUE, length + 4, key);
	mnl_attr_nest_end(message, data);
	if (with_timeout)
		mnl_attr_put_u64(message, NFTA_SET_ELEM_TIMEOUT, htobe64(ALIVE_MS));
	mnl_attr_nest_end(message, element);
}

/* One message for the proxies of a family; none where there are none. */
static void put_elements(struct transaction *transaction, uint16_t type,
	const struct address *proxies, size_t count, bool ipv4)
{
	const bool adds = type == NFT_MSG_NEWSETELEM;
	struct nlmsghdr *message = nftnl_nlmsg_build_hdr(transaction->bytes + transaction->length,
		type, NFPROTO_INET, adds ? NLM_F_CREATE : 0, 1);
	struct nlattr *elements;
	bool has_any = false;

	mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_TABLE, OWN_TABLE);
	mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_SET, ipv4 ? "alive4" : "alive6");
	elements = mnl_attr_nest_start(message, NFTA_SET_ELEM_LIST_ELEMENTS);
	for (size_t i = 0; i < count; i++) {
		if (address_is_ipv4(&proxies[i]) != ipv4)
			continue;
		put_element(message, &proxies[i], adds);
		has_any = true;
	}
	mnl_attr_nest_end(message, elements);
	if (has_any)
		transaction->length += message->nlmsg_len;
}

static void prepare(struct transaction *transaction, const struct address *proxies, size_t count,
	bool deletes, bool adds)
{
	transaction->length = nftnl_batch_begin(transaction->bytes, 1)->nlmsg_len;
	for (int ipv4 = 0; deletes && ipv4 <= 1; ipv4++)
		put_elements(transaction, NFT_MSG_DELSETELEM, proxies, count, ipv4);
	for (int ipv4 = 0; adds && ipv4 <= 1; ipv4++)
		put_elements(transaction, NFT_MSG_NEWSETELEM, proxies, count, ipv4);
	transaction->length +=
		nftnl_batch_end(transaction->bytes + transaction->length, 1)->nlmsg_len;
}

int alive_open(const struct address *proxies, size_t count, struct alive **out)
{
	struct alive *alive = calloc(1, sizeof(*alive));
	int error;

	if (!alive)
		return -ENOMEM;
	pthread_mutex_init(&alive->turn, NULL);
	prepare(&alive->renew, proxies, count, true, true);
	prepare(&alive->add, proxies, count, false, true);
	prepare(&alive->withdraw, proxies, count, true, false);
	error = netlink_open(NETLINK_NETFILTER, &alive->socket);
	if (error) {
		alive_close(alive);
		return error;
	}
	*out = alive;
	return 0;
}

void alive_close(struct alive *alive)
{
	if (!alive)
		return;
	netlink_close(alive->socket);
	pthread_mutex_destroy(&alive->turn);
	free(alive);
}

int alive_commit(struct alive *alive, const void *transaction, size_t length)
{
	int error;

	pthread_mutex_lock(&alive->turn);
	error = netlink_commit(alive->socket, transaction, length);
	pthread_mutex_unlock(&alive->turn);
	return error;
}

static int commit(struct alive *alive, const struct transaction *transaction)
{
	return alive_commit(alive, transaction->bytes, transaction->length);
}

int alive_renew(struct alive *alive)
{
	int error = commit(alive, &alive->renew);

	if (error != -ENOENT)
		return error;
	error = commit(alive, &alive->add);
	return error ? error : ALIVE_ANEW;
}

void alive_prolong(struct alive *alive)
{
	commit(alive, &alive->renew);
}

void alive_withdraw(struct alive *alive)
{
	commit(alive, &alive->withdraw);
}

static int ask(struct alive *alive, struct nlmsghdr *request, mnl_cb_t callback, void *context)
{
	int error;

	pthread_mutex_lock(&alive->turn);
	error = netlink_request(alive->socket, request, callback, context);
	if (error)
		netlink_drain(alive->socket);
	pthread_mutex_unlock(&alive->turn);
	return error;
}

static int read_counter(const struct nlmsghdr *message, void *context)
{
	struct nftnl_obj *counter = nftnl_obj_alloc();

	if (!counter)
		return MNL_CB_ERROR;
	if (nftnl_obj_nlmsg_parse(message, counter) == 0)
		*(uint64_t *)context = nftnl_obj_get_u64(counter, NFTNL_OBJ_CTR_PKTS);
	nftnl_obj_free(counter);
	return MNL_CB_OK;
}

int alive_counter(struct alive *alive, const char *name, uint64_t *packets)
{
	struct netlink_message request;

	nftnl_nlmsg_build_hdr((char *)&request, NFT_MSG_GETOBJ, NFPROTO_INET, NLM_F_ACK, 1);
	mnl_attr_put_strz(&request.header, NFTA_OBJ_TABLE, OWN_TABLE);
	mnl_attr_put_strz(&request.header, NFTA_OBJ_NAME, name);
	mnl_attr_put_u32(&request.header, NFTA_OBJ_TYPE, htonl(NFT_OBJECT_COUNTER));
	return ask(alive, &request.header, read_counter, packets);
}

static int count_rule(const struct nlmsghdr *message, void *context)
{
	unsigned *rules = context;

	(void)message;
	++*rules;
	return MNL_CB_OK;
}

int alive_rules(struct alive *alive, unsigned *rules)
{
	struct netlink_message request;

	*rules = 0;
	nftnl_nlmsg_build_hdr((char *)&request, NFT_MSG_GETRULE, NFPROTO_INET, NLM_F_DUMP, 1);
	mnl_attr_put_strz(&request.header, NFTA_RULE_TABLE, OWN_TABLE);
	return ask(alive, &request.header, count_rule, rules);
}
