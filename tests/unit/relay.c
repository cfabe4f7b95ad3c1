/* How much of what has come relay mode hands over at once: datagrams to a proxy that is, here, the
 * relay's own port, in a network namespace of its own. */
#include "wire/relay/relay.h"
#include "frames.h"
#include "own_network.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { IN_PORT = 5062, OUT_PORT = 5063, MARK = 0x6e63, SENT = 100, LONG = 20000, BATCH = 64 };

static struct proxies proxies;
static struct relay *relay;
static unsigned handed_over;
static bool time_is_left;

static struct outcome take(
	void *context, uint64_t time_us, const struct flow *flow, struct text bytes)
{
	(void)context, (void)time_us, (void)bytes;
	cr_assert_eq(flow->destination.port, IN_PORT);
	handed_over++;
	return (struct outcome){.verdict = VERDICT_CONSUME};
}

static bool has_time(void *context)
{
	(void)context;
	return time_is_left;
}

static const struct wire_handler handler = {.datagram = take, .has_time = has_time};

static void setup(void)
{
	const struct relay_settings settings = {
		.in_port = IN_PORT, .out_port = OUT_PORT, .own_mark = MARK, .proxies = &proxies};
	struct address proxy;
	struct fault fault;

	enter_own_network();
	proxy = address_of("127.0.0.1:5062");
	cr_assert_neq(proxies_add(&proxies, &proxy), PROXY_NONE);
	cr_assert_eq(relay_open(&settings, &relay, &fault), 0, "%s", fault.line);
}

static void cleanup(void)
{
	relay_close(relay);
}

TestSuite(relay, .init = setup, .fini = cleanup, .timeout = 60);

static void send_to_proxy(unsigned count, size_t length)
{
	static const char bytes[LONG];
	struct sockaddr_in proxy = {.sin_family = AF_INET, .sin_port = htons(IN_PORT)};
	const int phone = socket(AF_INET, SOCK_DGRAM, 0);

	inet_pton(AF_INET, "127.0.0.1", &proxy.sin_addr);
	for (unsigned i = 0; i < count; i++)
		cr_assert_eq(
			sendto(phone, bytes, length, 0, (struct sockaddr *)&proxy, sizeof(proxy)),
			(ssize_t)length);
	close(phone);
}

Test(relay, a_batch_of_each_socket_is_handed_over)
{
	time_is_left = true;
	send_to_proxy(SENT, 100);
	cr_expect_eq(relay_receive(relay, 1, &handler), BATCH);
	cr_expect_not(relay_has_rest(relay));
	cr_expect_eq(relay_receive(relay, 1, &handler), SENT - BATCH);
	cr_expect_eq(relay_receive(relay, 1, &handler), 0);
	cr_expect_eq(handed_over, SENT);
}

Test(relay, without_time_the_rest_of_a_batch_waits_for_the_next_turn)
{
	send_to_proxy(SENT, 100);
	for (unsigned turn = 1; turn <= BATCH / WIRE_ASK_DATAGRAMS; turn++) {
		cr_assert_eq(relay_receive(relay, 1, &handler), WIRE_ASK_DATAGRAMS);
		cr_assert_eq(handed_over, turn * WIRE_ASK_DATAGRAMS);
		cr_expect_eq(relay_has_rest(relay), handed_over < BATCH);
	}
	time_is_left = true;
	cr_expect_eq(relay_receive(relay, 1, &handler), SENT - BATCH);
	cr_expect_eq(handed_over, SENT, "none is lost");
}

/* Of which no more than a few are taken from the kernel. */
Test(relay, without_time_long_datagrams_are_handed_over_one_by_one)
{
	send_to_proxy(10, LONG);
	for (unsigned turn = 1; turn <= 8; turn++) {
		cr_assert_eq(relay_receive(relay, 1, &handler), 1);
		cr_expect_eq(relay_has_rest(relay), turn < 8, "%u", turn);
	}
	time_is_left = true;
	cr_expect_eq(relay_receive(relay, 1, &handler), 2);
}
