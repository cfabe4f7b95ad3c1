/* Metrics as text: the names and labels of the contract, in a format that a parser takes. */
#include "ops/http/exposition.h"

#include <criterion/criterion.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char text[EXPOSITION_MAX];
static struct metrics_snapshot snapshot;

static void write_text(void)
{
	cr_assert_eq(exposition_write(&snapshot, text), strlen(text));
}

/* Whether the line is in the text, from its start to its end. */
static void expect_line(const char *line)
{
	char whole[256];

	snprintf(whole, sizeof(whole), "\n%s\n", line);
	cr_expect(strstr(text, whole), "no line %s in:\n%s", line, text);
}

static void expect_family(const char *name, const char *type)
{
	char line[256];

	snprintf(line, sizeof(line), "# TYPE natbox_%s %s", name, type);
	expect_line(line);
	snprintf(line, sizeof(line), "# HELP natbox_%s ", name);
	cr_expect(strstr(text, line), "no help for %s", name);
}

Test(exposition, every_metric_of_the_contract_has_its_type_and_a_help)
{
	write_text();
	expect_family("endpoints", "gauge");
	expect_family("reasons", "gauge");
	expect_family("packets_total", "counter");
	expect_family("rewrites_total", "counter");
	expect_family("keepalives_sent_total", "counter");
	expect_family("keepalives_linked_total", "counter");
	expect_family("keepalives_held", "gauge");
	expect_family("keepalive_replies_total", "counter");
	expect_family("keepalives_missed_total", "counter");
	expect_family("endpoints_lost_total", "counter");
	expect_family("lost_answers_total", "counter");
	expect_family("keepalive_rtt_seconds", "histogram");
	expect_family("malformed_total", "counter");
	expect_family("refused_total", "counter");
	expect_family("capture_drops_total", "counter");
	expect_family("transactions", "gauge");
	expect_family("state_lag_seconds", "gauge");
	expect_family("event_lines_lost_total", "counter");
	expect_family("turn_seconds", "histogram");
	expect_family("endpoints_lost", "gauge");
	expect_family("endpoints_natted", "gauge");
	expect_family("proxy_endpoints", "gauge");
	expect_family("class_endpoints", "gauge");
	expect_family("last_packet_seconds", "gauge");
	expect_family("build_info", "gauge");
	expect_line("# TYPE process_start_time_seconds gauge");
}

Test(exposition, figures_stand_under_their_labels)
{
	snapshot = (struct metrics_snapshot){
		.engine = {.endpoints = 1,
			.unproven = 18,
			.lost_now = 19,
			.natted = 20,
			.of_proxies = {[1] = 21, [PROXIES_COUNTED] = 22},
			.transactions = 2,
			.keepalives = 3,
			.replies = 4,
			.missed = 5,
			.lost = 6,
			.lost_answers = 19,
			.verdicts[DIRECTION_IN][VERDICT_CONSUME] = 7,
			.verdicts[DIRECTION_OUT][VERDICT_REWRITE] = 8,
			.verdicts[DIRECTION_NONE][VERDICT_PASS] = 9,
			.rewritten_fields[2] = 10,
			.reasons_of[REASON_DIALOG] = 11,
			.defects[DEFECT_NO_VIA] = 12,
			.refusals[REFUSED_TRANSACTIONS] = 13},
		.keepalives_linked = 24,
		.keepalives_are_held = true,
		.capture_drops = 14,
		.state_lag_us = 15000016,
		.event_lines_lost = 17,
		.proxy_count = 2,
		.proxies = {address_ipv4("\xc0\x00\x02\x01", 5060),
			address_ipv4("\xc0\x00\x02\x01", 5080)},
		.class_count = 1,
		.classes = {{.name = "office", .endpoints = 23}},
		.sightings = {.last_us[DIRECTION_OUT] = 1700000000000042,
			.started_us = 1600000000000043},
	};
	write_text();
	cr_expect(strstr(text, "natbox_endpoints 1\n"));
	expect_line("natbox_endpoints_unproven 18");
	expect_line("natbox_endpoints_lost 19");
	expect_line("natbox_transactions 2");
	expect_line("natbox_keepalives_sent_total 3");
	expect_line("natbox_keepalives_linked_total 24");
	expect_line("natbox_keepalives_held 1");
	expect_line("natbox_keepalive_replies_total 4");
	expect_line("natbox_keepalives_missed_total 5");
	expect_line("natbox_endpoints_lost_total 6");
	expect_line("natbox_lost_answers_total 19");
	expect_line("natbox_packets_total{dir=\"in\",verdict=\"consume\"} 7");
	expect_line("natbox_packets_total{dir=\"out\",verdict=\"rewrite\"} 8");
	expect_line("natbox_packets_total{dir=\"none\",verdict=\"pass\"} 9");
	expect_line("natbox_rewrites_total{field=\"ruri\"} 10");
	expect_line("natbox_reasons{reason=\"dialog\"} 11");
	expect_line("natbox_malformed_total{why=\"no Via\"} 12");
	expect_line("natbox_refused_total{why=\"transactions\"} 13");
	expect_line("natbox_capture_drops_total 14");
	expect_line("natbox_state_lag_seconds 15.000016");
	expect_line("natbox_event_lines_lost_total 17");
	expect_line("natbox_endpoints_natted 20");
	expect_line("natbox_proxy_endpoints{proxy=\"192.0.2.1:5060\"} 0");
	expect_line("natbox_proxy_endpoints{proxy=\"192.0.2.1:5080\"} 21");
	expect_line("natbox_proxy_endpoints{proxy=\"other\"} 22");
	expect_line("natbox_class_endpoints{class=\"office\"} 23");
	expect_line("natbox_last_packet_seconds{dir=\"in\"} 0.000000");
	expect_line("natbox_last_packet_seconds{dir=\"out\"} 1700000000.000042");
	expect_line("process_start_time_seconds 1600000000.000043");
}

Test(exposition, what_has_never_happened_is_there_with_its_zero)
{
	write_text();
	for (unsigned i = DEFECT_NONE + 1; i < SIP_DEFECTS; i++) {
		char line[128];

		snprintf(line, sizeof(line), "natbox_malformed_total{why=\"%s\"} 0",
			sip_defect_names[i]);
		expect_line(line);
	}
	expect_line("natbox_reasons{reason=\"subscription\"} 0");
	expect_line("natbox_keepalive_rtt_seconds_bucket{le=\"0.005\"} 0");
	expect_line("natbox_state_lag_seconds 0.000000");
}

Test(exposition, buckets_hold_what_is_below_them_too)
{
	snapshot.engine.rtts[0] = 1;
	snapshot.engine.rtts[4] = 10;
	snapshot.engine.rtts[RTT_BOUNDS] = 100;
	snapshot.engine.rtt_us = 1234567;
	write_text();
	expect_line("natbox_keepalive_rtt_seconds_bucket{le=\"0.005\"} 1");
	expect_line("natbox_keepalive_rtt_seconds_bucket{le=\"0.05\"} 1");
	expect_line("natbox_keepalive_rtt_seconds_bucket{le=\"0.1\"} 11");
	expect_line("natbox_keepalive_rtt_seconds_bucket{le=\"10\"} 11");
	expect_line("natbox_keepalive_rtt_seconds_bucket{le=\"+Inf\"} 111");
	expect_line("natbox_keepalive_rtt_seconds_sum 1.234567");
	expect_line("natbox_keepalive_rtt_seconds_count 111");
}

Test(exposition, turns_are_counted_by_their_length)
{
	snapshot.turns.clock.turns[0] = 1;
	snapshot.turns.clock.turns[7] = 10;
	snapshot.turns.clock.turns[TURN_BOUNDS] = 100;
	snapshot.turns.clock.total_us = 1234567;
	snapshot.turns.processor.turns[0] = 11;
	snapshot.turns.processor.turns[7] = 100;
	snapshot.turns.processor.total_us = 765432;
	write_text();
	expect_line("natbox_turn_seconds_bucket{le=\"0.0001\"} 1");
	expect_line("natbox_turn_seconds_bucket{le=\"0.01\"} 1");
	expect_line("natbox_turn_seconds_bucket{le=\"0.02\"} 11");
	expect_line("natbox_turn_seconds_bucket{le=\"+Inf\"} 111");
	expect_line("natbox_turn_seconds_sum 1.234567");
	expect_line("natbox_turn_seconds_count 111");
	expect_line("natbox_turn_processor_seconds_bucket{le=\"0.01\"} 11");
	expect_line("natbox_turn_processor_seconds_bucket{le=\"0.02\"} 111");
	expect_line("natbox_turn_processor_seconds_sum 0.765432");
	expect_line("natbox_turn_processor_seconds_count 111");
}

/* The grammar of the format, as far as natbox uses it. */
Test(exposition, every_line_is_well_formed)
{
	static const char grammar[] =
		"^(# HELP [a-z_]+ .+|# TYPE [a-z_]+ (counter|gauge|histogram)|"
		"[a-z_]+(\\{[a-z]+=\"[^\"\\\\]*\"(,[a-z]+=\"[^\"\\\\]*\")*\\})? "
		"[0-9]+(\\.[0-9]+)?)$";
	regex_t line_is;

	cr_assert_eq(regcomp(&line_is, grammar, REG_EXTENDED | REG_NOSUB), 0);
	write_text();
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		cr_expect_eq(regexec(&line_is, line, 0, NULL, 0), 0, "%s", line);
	regfree(&line_is);
}

Test(exposition, the_longest_text_fits)
{
	memset(&snapshot, 0xff, sizeof(snapshot));
	snapshot.keepalives_are_held = true;
	snapshot.proxy_count = PROXIES_COUNTED;
	snapshot.class_count = CLASSES_MAX;
	for (unsigned i = 0; i < CLASSES_MAX; i++)
		snapshot.classes[i].name[CLASS_NAME_MAX - 1] = 0;
	write_text();
	cr_expect_lt(strlen(text), EXPOSITION_MAX - 1);
	expect_line("natbox_build_info{version=\"" NATBOX_VERSION "\"} 1");
}
