#include "alive.h"

#include "../netlink.h"
#include "../own_table.h"
#include "rules_settings.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libnftnl/common.h>
#include <libnftnl/object.h>
#include <libnftnl/set.h>
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

static bool is_empty(const struct nftnl_set *set)
{
	struct nftnl_set_elems_iter *elements = nftnl_set_elems_iter_create(set);
	bool empty = !elements || !nftnl_set_elems_iter_cur(elements);

	if (elements)
		nftnl_set_elems_iter_destroy(elements);
	return empty;
}

/* The key of a concatenation: each field padded to 4 bytes. */
static int add_element(struct nftnl_set *set, const struct address *proxy, bool with_timeout)
{
	const size_t length = address_is_ipv4(proxy) ? 4 : 16;
	const uint16_t port = htons(proxy->port);
	struct nftnl_set_elem *element = nftnl_set_elem_alloc();
	char key[20] = {0};

	if (!element)
		return -ENOMEM;
	memcpy(key, proxy->ip + 16 - length, length);
	memcpy(key + length, &port, sizeof(port));
	nftnl_set_elem_set(element, NFTNL_SET_ELEM_KEY, key, (uint32_t)length + 4);
	if (with_timeout)
		nftnl_set_elem_set_u64(element, NFTNL_SET_ELEM_TIMEOUT, ALIVE_MS);
	nftnl_set_elem_add(set, element);
	return 0;
}

static struct nftnl_set *new_set(
	const struct address *proxies, size_t count, bool ipv4, bool with_timeout)
{
	struct nftnl_set *set = nftnl_set_alloc();

	if (!set)
		return NULL;
	nftnl_set_set_str(set, NFTNL_SET_TABLE, OWN_TABLE);
	nftnl_set_set_str(set, NFTNL_SET_NAME, ipv4 ? "alive4" : "alive6");
	nftnl_set_set_u32(set, NFTNL_SET_FAMILY, NFPROTO_INET);
	for (size_t i = 0; i < count; i++) {
		if (address_is_ipv4(&proxies[i]) != ipv4)
			continue;
		if (add_element(set, &proxies[i], with_timeout) < 0) {
			nftnl_set_free(set);
			return NULL;
		}
	}
	return set;
}

/* One message for the proxies of a family; none where there are none. */
static int put_elements(struct transaction *transaction, uint16_t type,
	const struct address *proxies, size_t count, bool ipv4)
{
	const bool adds = type == NFT_MSG_NEWSETELEM;
	struct nftnl_set *set = new_set(proxies, count, ipv4, adds);
	struct nlmsghdr *message;

	if (!set)
		return -ENOMEM;
	if (!is_empty(set)) {
		message = nftnl_nlmsg_build_hdr(transaction->bytes + transaction->length, type,
			NFPROTO_INET, adds ? NLM_F_CREATE : 0, 1);
		nftnl_set_elems_nlmsg_build_payload(message, set);
		transaction->length += message->nlmsg_len;
	}
	nftnl_set_free(set);
	return 0;
}

static int prepare(struct transaction *transaction, const struct address *proxies, size_t count,
	bool deletes, bool adds)
{
	struct nlmsghdr *message = nftnl_batch_begin(transaction->bytes, 1);
	int error = 0;

	transaction->length = message->nlmsg_len;
	for (int ipv4 = 0; deletes && !error && ipv4 <= 1; ipv4++)
		error = put_elements(transaction, NFT_MSG_DELSETELEM, proxies, count, ipv4);
	for (int ipv4 = 0; adds && !error && ipv4 <= 1; ipv4++)
		error = put_elements(transaction, NFT_MSG_NEWSETELEM, proxies, count, ipv4);
	message = nftnl_batch_end(transaction->bytes + transaction->length, 1);
	transaction->length += message->nlmsg_len;
	return error;
}

int alive_open(const struct address *proxies, size_t count, struct alive **out)
{
	struct alive *alive = calloc(1, sizeof(*alive));
	int error;

	if (!alive)
		return -ENOMEM;
	pthread_mutex_init(&alive->turn, NULL);
	error = prepare(&alive->renew, proxies, count, true, true);
	if (!error)
		error = prepare(&alive->add, proxies, count, false, true);
	if (!error)
		error = prepare(&alive->withdraw, proxies, count, true, false);
	if (!error)
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

int alive_forged(struct alive *alive, uint64_t *packets)
{
	struct netlink_message request;
	struct nftnl_obj *counter = nftnl_obj_alloc();

	if (!counter)
		return -ENOMEM;
	nftnl_nlmsg_build_hdr((char *)&request, NFT_MSG_GETOBJ, NFPROTO_INET, NLM_F_ACK, 1);
	nftnl_obj_set_str(counter, NFTNL_OBJ_TABLE, OWN_TABLE);
	nftnl_obj_set_str(counter, NFTNL_OBJ_NAME, "forged");
	nftnl_obj_set_u32(counter, NFTNL_OBJ_TYPE, NFT_OBJECT_COUNTER);
	nftnl_obj_nlmsg_build_payload(&request.header, counter);
	nftnl_obj_free(counter);
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
